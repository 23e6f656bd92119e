// Programs of known truth for the C library's heap.

#include "cases.h"

#include <stdlib.h>

void *volatile demo_visible[65536];

unsigned long demo_number(const char *argument, unsigned long fallback) {
    return argument ? strtoul(argument, NULL, 10) : fallback;
}

static const struct demo_case cases[] = {
#define ENTRY(function, name, about) {name, about, demo_##function},
    DEMO_CASES(ENTRY)
#undef ENTRY
    {NULL, NULL, NULL},
};

int main(int argc, char **argv) { return demo_main(argc, argv, cases); }
