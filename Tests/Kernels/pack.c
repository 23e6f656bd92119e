// Writes files of /proc whose paths come on standard input, one a line, as text that Git can show:
//
//     = PATH             a file; its lines follow, each behind a tab
//     @ PATH TARGET      a link
//
// A backslash is \\, other bytes than printable ASCII and tab are \xNN, and \c ends a last line that has no newline. What
// cannot be read is left out.

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const unsigned char *bytes, ssize_t count, int folds) {
    for (ssize_t index = 0; index < count; index++) {
        unsigned char byte = bytes[index];
        if (byte == '\n' && folds) {
            printf(index + 1 < count ? "\n\t" : "\n");
        } else if (byte == '\\') {
            printf("\\\\");
        } else if (byte == '\t' || (byte >= ' ' && byte < 127)) {
            putchar(byte);
        } else {
            printf("\\x%02x", byte);
        }
    }
}

int main(void) {
    static unsigned char bytes[1 << 20];
    char path[4096];
    if (chdir("/proc") != 0) return 1;
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        struct stat status;
        if (lstat(path, &status) != 0) continue;
        if (S_ISLNK(status.st_mode)) {
            ssize_t count = readlink(path, (char *)bytes, sizeof bytes);
            if (count < 0) continue;
            printf("@ %s ", path);
            put(bytes, count, 0);
            printf("\n");
            continue;
        }
        int file = open(path, O_RDONLY);
        if (file < 0) continue;
        ssize_t size = 0;
        ssize_t count;
        while ((count = read(file, bytes + size, sizeof bytes - (size_t)size)) > 0) size += count;
        close(file);
        if (count < 0 && size == 0) continue;
        printf("= %s\n", path);
        if (size == 0) continue;
        printf("\t");
        put(bytes, size, 1);
        if (bytes[size - 1] != '\n') printf("\\c\n");
    }
    return 0;
}
