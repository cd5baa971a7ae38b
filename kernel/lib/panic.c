/* panic.c: see panic.h. */
#include <stdarg.h>
#include "arch.h"
#include "lib/panic.h"
#include "lib/print.h"

void panic(char const *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print("kernel panic: ");
    print_list(format, arguments);
    print("\n");
    va_end(arguments);
    arch_shutdown(PANIC_EXIT_CODE);
}
