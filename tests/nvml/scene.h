/* The scene that the stand-in plays: a text file, read again whenever it is another one by now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef unsigned long long u64;
enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, LIBRARY_NOT_FOUND = 12, GPU_IS_LOST = 15, VERSION_MISMATCH = 25
};
#define MOST_SECTIONS 80
#define MOST_ENTRIES 1024

typedef struct { int section; char *key, *value; } entry_t;
/* Section 0 is the driver; a card has parent 0, a MIG instance its card's section. */
static struct { int parent; } sections[MOST_SECTIONS];
static entry_t entries[MOST_ENTRIES];
static char text[1 << 17];
static int section_count, entry_count;
static struct stat seen;

static char *trimmed(char *word) {
    while (*word == ' ') word++;
    char *end = word + strlen(word);
    while (end > word && end[-1] == ' ') *--end = 0;
    return word;
}

static void take_line(char *line) {
    line = trimmed(line);
    if (!*line || *line == '#') return;
    if (*line == '[') {
        int is_mig = !strncmp(line, "[mig]", 5), parent = 0;
        for (int i = 1; is_mig && i < section_count; i++)
            if (!sections[i].parent) parent = i;
        sections[section_count++].parent = parent;
        return;
    }
    char *equals = strchr(line, '=');
    if (!equals || entry_count == MOST_ENTRIES) abort();
    *equals = 0;
    entries[entry_count++] = (entry_t){section_count - 1, trimmed(line), trimmed(equals + 1)};
}

/* Read the scene again if the file is another one by now; false where there is none. */
static int scene(void) {
    const char *path = getenv("NVML_STAND_IN_SCENE");
    struct stat now;
    if (!path || stat(path, &now)) return 0;
    if (entry_count && now.st_ino == seen.st_ino && now.st_size == seen.st_size &&
        !memcmp(&now.st_mtim, &seen.st_mtim, sizeof now.st_mtim))
        return 1;
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = 0;
    seen = now;
    section_count = 1;
    entry_count = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) take_line(line);
    return 1;
}

static const char *find(int section, const char *key) {
    for (int i = 0; i < entry_count; i++)
        if (entries[i].section == section && !strcmp(entries[i].key, key)) return entries[i].value;
    return NULL;
}

/* The value of a key, or the error it stands for. */
static int value(int section, const char *key, const char **found) {
    *found = find(section, key);
    if (!*found) return NOT_SUPPORTED;
    return **found == '!' ? atoi(*found + 1) : SUCCESS;
}

static int number(int section, const char *key, u64 *found) {
    const char *word;
    int code = value(section, key, &word);
    if (code == SUCCESS) *found = strtoull(word, NULL, 10);
    return code;
}

static int section_at(int parent, int is_mig, unsigned index) {
    for (int i = 1; i < section_count; i++)
        if ((is_mig ? sections[i].parent == parent : !sections[i].parent) && index-- == 0) return i;
    return 0;
}
