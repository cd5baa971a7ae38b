/* print.c: see print.h. */
#include "arch.h"
#include "lib/print.h"

static void put_number(uint64_t value, unsigned base, unsigned width, char fill)
{
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (; width > count; width--) arch_console_put(fill);
    while (count > 0) arch_console_put(digits[--count]);
}

static void put_text(char const *text)
{
    if (text == nullptr) text = "(null)";
    while (*text != '\0') arch_console_put(*text++);
}

void print_text(char const *text, size_t length)
{
    for (size_t i = 0; i < length; i++) arch_console_put(text[i]);
}

void print_list(char const *format, va_list arguments)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            arch_console_put(*format);
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
        case 's': put_text(va_arg(arguments, char const *)); break;
        case 'c': arch_console_put((char)va_arg(arguments, int)); break;
        case 'd': {
            int64_t value = wide ? va_arg(arguments, int64_t) : va_arg(arguments, int);
            if (value < 0) arch_console_put('-');
            put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, width, fill);
            break;
        }
        case 'u': put_number(wide ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned), 10, width, fill); break;
        case 'x': put_number(wide ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned), 16, width, fill); break;
        case 'p':
            put_text("0x");
            put_number((uintptr_t)va_arg(arguments, void *), 16, 16, '0');
            break;
        case '%': arch_console_put('%'); break;
        default: put_text("%?"); return;
        }
    }
}

void print(char const *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_list(format, arguments);
    va_end(arguments);
}
