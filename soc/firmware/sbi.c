#include "sbi.h"

#include "csr.h"
#include "harts.h"
#include "machine.h"

enum sbi_error : int64_t {
    SBI_SUCCESS = 0,
    SBI_ERR_FAILED = -1,
    SBI_ERR_NOT_SUPPORTED = -2,
    SBI_ERR_INVALID_PARAM = -3,
    SBI_ERR_ALREADY_AVAILABLE = -6,
};

enum sbi_extension : uint64_t {
    LEGACY_CONSOLE_PUT = 1,
    LEGACY_CONSOLE_GET = 2,
    EXTENSION_BASE = 0x10,
    EXTENSION_TIME = 0x54494d45,
    EXTENSION_IPI = 0x735049,
    EXTENSION_REMOTE_FENCE = 0x52464e43,
    EXTENSION_HART_STATE = 0x48534d,
    EXTENSION_SYSTEM_RESET = 0x53525354,
};

constexpr uint64_t specification_version = 1u << 24;  /* 1.0 */
/* No number is registered for this firmware; see the list in the SBI specification, chapter 4.9. */
constexpr uint64_t implementation_id = 0x5645;
constexpr uint64_t implementation_version = 1;

struct result {
    int64_t error;
    uint64_t value;
};

static constexpr struct result not_supported = {.error = SBI_ERR_NOT_SUPPORTED, .value = 0};
static constexpr struct result invalid = {.error = SBI_ERR_INVALID_PARAM, .value = 0};

static struct result value_of(uint64_t value) { return (struct result){.error = SBI_SUCCESS, .value = value}; }

static bool extension_present(uint64_t extension) {
    switch (extension) {
    case LEGACY_CONSOLE_PUT:
    case LEGACY_CONSOLE_GET:
    case EXTENSION_BASE:
    case EXTENSION_TIME:
    case EXTENSION_IPI:
    case EXTENSION_REMOTE_FENCE:
    case EXTENSION_HART_STATE:
    case EXTENSION_SYSTEM_RESET:
        return true;
    default:
        return false;
    }
}

/* Chapter 4. */
static struct result base_call(uint64_t function, uint64_t argument) {
    switch (function) {
    case 0:
        return value_of(specification_version);
    case 1:
        return value_of(implementation_id);
    case 2:
        return value_of(implementation_version);
    case 3:
        return value_of(extension_present(argument) ? 1 : 0);
    case 4:
        return value_of(CSR_READ(mvendorid));
    case 5:
        return value_of(CSR_READ(marchid));
    case 6:
        return value_of(CSR_READ(mimpid));
    default:
        return not_supported;
    }
}

/* Chapter 6. The core has Sstc: the supervisor's comparator clears and raises STIP by itself. */
static struct result time_call(uint64_t function, uint64_t deadline) {
    if (function != 0) {
        return not_supported;
    }
    CSR_WRITE(stimecmp, deadline);
    return value_of(0);
}

/*
 * The harts that (mask, base) names, as bits by hart id, in `selected` (chapter 3, "hart list parameter").
 * False when one of them does not exist.
 */
[[nodiscard]] static bool select_harts(uint64_t mask, uint64_t base, uint64_t *selected) {
    constexpr uint64_t all = HART_COUNT == 64 ? UINT64_MAX : (UINT64_C(1) << HART_COUNT % 64) - 1;
    if (base == UINT64_MAX) {
        *selected = all;
        return true;
    }
    if (base >= HART_COUNT) {
        return false;
    }
    *selected = mask << base;
    return (*selected & ~all) == 0 && (*selected >> base) == mask;
}

/* Ask every selected hart for `requests`, this one too; waits for fences, not for software interrupts. */
static struct result ask_harts(uint64_t mask, uint64_t base, uint32_t requests) {
    const uint64_t self = CSR_READ(mhartid);
    uint64_t selected = 0;
    if (!select_harts(mask, base, &selected)) {
        return invalid;
    }
    for (uint64_t hart = 0; hart < HART_COUNT; hart++) {
        const bool started = atomic_load_explicit(&harts[hart].state, memory_order_acquire) == HART_STARTED;
        if ((selected >> hart & 1) != 0 && started) {
            hart_post(hart, requests);
        }
    }
    hart_serve_requests();
    if (requests == REQUEST_SOFTWARE_INTERRUPT) {
        return value_of(0);
    }
    for (uint64_t hart = 0; hart < HART_COUNT; hart++) {
        while (hart != self && (selected >> hart & 1) != 0 &&
               atomic_load_explicit(&harts[hart].state, memory_order_acquire) == HART_STARTED &&
               (atomic_load_explicit(&harts[hart].requests, memory_order_acquire) & requests) != 0) {
            /* The other hart may be waiting for this one in turn. */
            hart_serve_requests();
        }
    }
    return value_of(0);
}

/* Chapter 8. A fence may always do more than asked: address range and ASID are not looked at. */
static struct result remote_fence_call(uint64_t function, uint64_t mask, uint64_t base) {
    switch (function) {
    case 0:
        return ask_harts(mask, base, REQUEST_FENCE_INSTRUCTIONS);
    case 1:
    case 2:
        return ask_harts(mask, base, REQUEST_FENCE_TRANSLATIONS);
    default:
        return not_supported;
    }
}

/* Chapter 9. */
static struct result hart_state_call(uint64_t function, uint64_t hart, uint64_t address, uint64_t argument) {
    switch (function) {
    case 0: {
        if (hart >= HART_COUNT) {
            return invalid;
        }
        if (atomic_load_explicit(&harts[hart].state, memory_order_acquire) != HART_STOPPED) {
            return (struct result){.error = SBI_ERR_ALREADY_AVAILABLE, .value = 0};
        }
        harts[hart].start_address = address;
        harts[hart].start_argument = argument;
        uint32_t expected = HART_STOPPED;
        if (!atomic_compare_exchange_strong(&harts[hart].state, &expected, HART_START_PENDING)) {
            return (struct result){.error = SBI_ERR_ALREADY_AVAILABLE, .value = 0};
        }
        software_interrupt_raise(hart);
        return value_of(0);
    }
    case 1:
        hart_wait_for_start();
    case 2:
        if (hart >= HART_COUNT) {
            return invalid;
        }
        return value_of(atomic_load_explicit(&harts[hart].state, memory_order_acquire));
    case 3:
        /* Retentive suspend is a wait for any interrupt that S-mode enabled; the deeper kinds do not exist here. */
        if (hart != 0) {
            return hart == UINT32_C(0x80000000) ? not_supported : invalid;
        }
        wait_for_interrupt();
        return value_of(0);
    default:
        return not_supported;
    }
}

/* Chapter 10. */
static struct result system_reset_call(uint64_t function, uint64_t type, uint64_t reason) {
    if (function != 0) {
        return not_supported;
    }
    if (reason > 1) {
        return invalid;
    }
    switch (type) {
    case 0:
        machine_shutdown(reason == 0 ? 0 : 1);
    case 1:
    case 2:
        machine_reset();
    default:
        return invalid;
    }
}

void sbi_call(struct trap_frame *frame) {
    uint64_t *a = &frame->x[REGISTER_A0];
    const uint64_t function = frame->x[REGISTER_A6];
    struct result result = not_supported;
    switch (frame->x[REGISTER_A7]) {
    case LEGACY_CONSOLE_PUT:
        console_put((char)a[0]);
        a[0] = 0;
        return;
    case LEGACY_CONSOLE_GET:
        a[0] = (uint64_t)(int64_t)console_get();
        return;
    case EXTENSION_BASE:
        result = base_call(function, a[0]);
        break;
    case EXTENSION_TIME:
        result = time_call(function, a[0]);
        break;
    case EXTENSION_IPI:
        result = function == 0 ? ask_harts(a[0], a[1], REQUEST_SOFTWARE_INTERRUPT) : not_supported;
        break;
    case EXTENSION_REMOTE_FENCE:
        result = remote_fence_call(function, a[0], a[1]);
        break;
    case EXTENSION_HART_STATE:
        result = hart_state_call(function, a[0], a[1], a[2]);
        break;
    case EXTENSION_SYSTEM_RESET:
        result = system_reset_call(function, a[0], a[1]);
        break;
    default:
        break;
    }
    a[0] = (uint64_t)result.error;
    a[1] = result.value;
}
