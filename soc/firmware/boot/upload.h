/* Receiver of XMODEM with CRC: blocks of 128 or 1,024 bytes, as senders choose (docs/datasheet/boot-rom.md). */
#pragma once

#include "image.h"

/* In an upload, bytes that mean something outside a block; CAN makes the loader wait for an upload at once. */
enum : uint8_t { SERIAL_CAN = 0x18 };

/*
 * Ask for an image, without end until a sender answers, and take it. Every outcome but IMAGE_OK has been told to the
 * sender by two CANs; the line is quiet then. `second` is a second in ticks of the timer, or shorter in a simulation.
 */
[[nodiscard]] enum image_error upload_receive(struct image *image, uint64_t second);
