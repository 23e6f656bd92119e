// All of CLinux is in its header; SwiftPM wants a source file for a C target.
#include "CLinux.h"
