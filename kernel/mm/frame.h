/*
 * frame.h: physical memory in frames of PAGE_BYTES. One bit a frame, set while it is free.
 * Interrupts off; one CPU at a time.
 */
#pragma once
#include "boot_info.h"

/* Takes the usable memory of the boot tables, without their reserved ranges. Frames beyond FRAME_LIMIT from the lowest
   address on are left alone. */
constexpr size_t FRAME_LIMIT = 1 << 18;
void frame_init(struct boot_info const *info);

/* One frame, content arbitrary; 0 if there is none. */
[[nodiscard]] paddr_t frame_alloc(void);

/* One frame of zeros; 0 if there is none. */
[[nodiscard]] paddr_t frame_alloc_cleared(void);

/* `count` frames in a row, content arbitrary; 0 if there are none. Linear search: for boot and rare use. */
[[nodiscard]] paddr_t frame_alloc_range(size_t count);

/* Gives a frame back. Freeing a free frame is a panic in test builds. */
void frame_free(paddr_t frame);

/* Says that `count` of the frames taken will never be given back, but are nobody's: whoever asks how many are in use is told
   that they are not. */
void frame_keep(size_t count);
size_t frame_kept(void);

/* Frames that are free now. */
size_t frame_count(void);
