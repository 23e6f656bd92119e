// The part of libswiftRemoteMirror's interface (its version 3) that nusu calls. The library comes without a header, and is
// looked for when the program runs; the layouts are those of swift/SwiftRemoteMirror of the Swift project.
#ifndef CREMOTEMIRROR_SHIM_H
#define CREMOTEMIRROR_SHIM_H

#include <stdbool.h>
#include <stdint.h>

enum mirror_kind {
    MIRROR_TUPLE = 3,
    MIRROR_STRUCT = 4,
    MIRROR_SINGLE_PAYLOAD_ENUM = 6,
    MIRROR_CLASS_INSTANCE = 17,
};

enum mirror_layout_query {
    MIRROR_POINTER_SIZE = 0,
    MIRROR_SIZE_SIZE = 1,
    MIRROR_POINTER_MASK = 2,
    MIRROR_RESERVED_LOW_BITS = 3,
    MIRROR_LEAST_POINTER = 4,
    MIRROR_OBJC_INTEROP = 5,
};

struct mirror_type_info {
    uint32_t kind;
    uint32_t size;
    uint32_t alignment;
    uint32_t stride;
    uint32_t fields;
};

struct mirror_child_info {
    // Belongs to the context.
    const char *name;
    uint32_t offset;
    uint32_t kind;
    // 0 for none.
    uint64_t type;
};

typedef int (*mirror_query_layout)(void *memory, int query, const void *in, void *out);
typedef void (*mirror_free_bytes)(void *memory, const void *bytes, void *context);
typedef const void *(*mirror_read_bytes)(void *memory, uint64_t address, uint64_t count, void **context);
typedef uint64_t (*mirror_string_length)(void *memory, uint64_t address);
typedef uint64_t (*mirror_symbol_address)(void *memory, const char *name, uint64_t count);

// swift_reflection_createReflectionContextWithDataLayout
typedef void *(*mirror_create_context)(
    void *memory, mirror_query_layout, mirror_free_bytes, mirror_read_bytes, mirror_string_length, mirror_symbol_address);
// swift_reflection_addImage
typedef int (*mirror_add_image)(void *context, uint64_t start);
// swift_reflection_infoForMetadata, infoForTypeRef
typedef struct mirror_type_info (*mirror_info)(void *context, uint64_t type);
// swift_reflection_childOfMetadata, childOfTypeRef
typedef struct mirror_child_info (*mirror_child)(void *context, uint64_t type, uint32_t number);
// swift_reflection_copyNameForTypeRef: to be freed.
typedef char *(*mirror_copy_name)(void *context, uint64_t type, bool mangled);

#endif
