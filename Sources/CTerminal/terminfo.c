// In a file of its own: <term.h> defines macros named `lines`, `columns` and some hundreds more.
#include "CTerminal.h"

#include <curses.h>
#include <term.h>

int cterminal_load(const char *name, int output) {
    int found = 0;
    return setupterm(name, output, &found) == OK ? 1 : found;
}

const char *cterminal_string(const char *capability) {
    const char *string = tigetstr(capability);
    return string == (const char *)-1 ? NULL : string;
}

int cterminal_number(const char *capability) {
    int number = tigetnum(capability);
    return number < 0 ? -1 : number;
}

int cterminal_flag(const char *capability) { return tigetflag(capability) == 1; }

const char *cterminal_format(const char *string, int first, int second) { return tiparm(string, first, second); }
