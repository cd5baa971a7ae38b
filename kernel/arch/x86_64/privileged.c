/* privileged.c: see privileged.h. Intel volume 2, appendix A: opcode maps. Prefixes do not change the answer. */
#include "privileged.h"

static bool is_prefix(uint8_t byte)
{
    switch (byte) {
    case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
        return true;
    default:
        return byte >= 0x40 && byte <= 0x4f;      /* REX */
    }
}

/* Opcodes behind 0x0f. `modrm` is the byte after the opcode. */
static bool two_byte(uint8_t opcode, uint8_t modrm)
{
    unsigned group = modrm >> 3 & 7;
    switch (opcode) {
    case 0x00: return group <= 3;                                                  /* sldt str (UMIP) lldt ltr */
    case 0x01: return group != 5;                                                  /* sgdt .. lmsw invlpg swapgs xsetbv */
    case 0x06: case 0x07: case 0x08: case 0x09:                                    /* clts sysret invd wbinvd */
    case 0x20: case 0x21: case 0x22: case 0x23:                                    /* mov to and from control, debug */
    case 0x30: case 0x32: case 0x33: case 0x35:                                    /* wrmsr rdmsr rdpmc sysexit */
        return true;
    default:
        return false;
    }
}

bool instruction_is_privileged(uint8_t const *bytes, size_t count)
{
    size_t at = 0;
    while (at < count && is_prefix(bytes[at])) at++;
    if (at == count) return false;
    switch (bytes[at]) {
    case 0x6c: case 0x6d: case 0x6e: case 0x6f:                                    /* ins outs */
    case 0xe4: case 0xe5: case 0xe6: case 0xe7: case 0xec: case 0xed: case 0xee: case 0xef:   /* in out */
    case 0xf4: case 0xfa: case 0xfb:                                               /* hlt cli sti */
        return true;
    case 0x0f:
        return at + 1 < count && two_byte(bytes[at + 1], at + 2 < count ? bytes[at + 2] : 0);
    default:
        return false;
    }
}
