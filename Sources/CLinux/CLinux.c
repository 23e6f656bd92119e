#define _GNU_SOURCE
#include "CLinux.h"

const void *clinux_find(const void *hay, size_t hay_size, const void *needle, size_t needle_size) {
    return memmem(hay, hay_size, needle, needle_size);
}
