// Prototypes of the two demanglers that are linked in: the Itanium C++ ABI's (libstdc++) and the Swift runtime's.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// C++ ABI, section "Demangler API". With NULL for buffer and length it returns memory from malloc, or NULL.
char *__cxa_demangle(const char *mangled, char *buffer, size_t *length, int *status);

/// Swift runtime, stdlib/public/runtime/Demangle.cpp. With NULL for buffer and size it returns memory from malloc; NULL for
/// what is no mangled name.
char *swift_demangle(const char *mangled, size_t length, char *buffer, size_t *size, uint32_t flags);
