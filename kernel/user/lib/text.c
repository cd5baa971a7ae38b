/* text.c: formatted output; see user.h. */
#include "user.h"

uint32_t console;

size_t text_length(char const *text)
{
    size_t length = 0;
    while (text[length] != '\0') length++;
    return length;
}

/* A line being put together; what does not fit is dropped. */
struct line { char text[256]; size_t length; };

static void put(struct line *line, char character)
{
    if (line->length < sizeof line->text) line->text[line->length++] = character;
}

static void put_number(struct line *line, uint64_t value, unsigned base, unsigned width, char fill)
{
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (; width > count; width--) put(line, fill);
    while (count > 0) put(line, digits[--count]);
}

void print(char const *format, ...)
{
    struct line line = {};
    va_list arguments;
    va_start(arguments, format);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(&line, *format);
            continue;
        }
        format++;
        char fill = ' ';
        unsigned width = 0;
        bool wide = false;
        if (*format == '0') fill = *format++;
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (unsigned)(*format - '0');
        for (; *format == 'l' || *format == 'z'; format++) wide = true;
        switch (*format) {
        case 's':
            for (char const *text = va_arg(arguments, char const *); *text != '\0'; text++) put(&line, *text);
            break;
        case 'c': put(&line, (char)va_arg(arguments, int)); break;
        case 'd': {
            int64_t value = wide ? va_arg(arguments, int64_t) : va_arg(arguments, int);
            if (value < 0) put(&line, '-');
            put_number(&line, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, width, fill);
            break;
        }
        case 'u': case 'x':
            put_number(&line, wide ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned),
                       *format == 'u' ? 10 : 16, width, fill);
            break;
        default: put(&line, *format); break;
        }
    }
    va_end(arguments);
    console_write(console, line.text, line.length);
}

char const *status_name(enum status status)
{
    static char const *const names[] = {
        [STATUS_OK] = "OK", [STATUS_BAD_HANDLE] = "BAD_HANDLE", [STATUS_EMPTY] = "EMPTY", [STATUS_STALE] = "STALE",
        [STATUS_WRONG_TYPE] = "WRONG_TYPE", [STATUS_MISSING_RIGHTS] = "MISSING_RIGHTS",
        [STATUS_UNDECIDED] = "UNDECIDED", [STATUS_BAD_CALL] = "BAD_CALL", [STATUS_BAD_ARGUMENT] = "BAD_ARGUMENT",
        [STATUS_BAD_POINTER] = "BAD_POINTER", [STATUS_NO_MEMORY] = "NO_MEMORY", [STATUS_NO_SLOTS] = "NO_SLOTS",
        [STATUS_NO_OBJECTS] = "NO_OBJECTS", [STATUS_WOULD_BLOCK] = "WOULD_BLOCK", [STATUS_TIMED_OUT] = "TIMED_OUT",
        [STATUS_DEAD] = "DEAD", [STATUS_NOT_FOUND] = "NOT_FOUND", [STATUS_BAD_IMAGE] = "BAD_IMAGE",
        [STATUS_OVERLAP] = "OVERLAP", [STATUS_NO_CALLER] = "NO_CALLER", [STATUS_UNSUPPORTED] = "UNSUPPORTED",
        [STATUS_EXISTS] = "EXISTS",
        [STATUS_NO_THREADS] = "NO_THREADS",
        [STATUS_NO_TIME] = "NO_TIME",
    };
    return status < sizeof names / sizeof *names && names[status] != nullptr ? names[status] : "unknown";
}
