// libdw of the elfutils project: debug information of ELF files.
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
