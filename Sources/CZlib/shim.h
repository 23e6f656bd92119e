// zlib's one-call compression (man 3 zlib), which is linked in and not written here.
#include <zlib.h>
