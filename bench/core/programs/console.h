/* Text on the UART. Nothing here is called while something is measured. */
#pragma once
#include <stdint.h>

void print_text(const char *text);
void print_number(uint64_t value);
/* " name=value" */
void print_pair(const char *name, uint64_t value);
