/* A stand-in for libnvidia-ml.so.1, the driver's library: it is no part of any driver and talks to
 * no card. What it answers stands in the text file that NVML_STAND_IN_SCENE names, which is looked
 * at in every call, so that a test can change the scene while others read it.
 *
 * A scene has `key = value` lines, `[gpu]` opening a card and `[mig]` an instance of that card. A
 * key that is absent is not supported by the card; `!CODE` as a value is returned as that error.
 * `lost = 1` makes every call on a card answer GPU_IS_LOST. Without a scene there is no driver.
 * Struct layouts and codes are those of nvml.h as nvidia-ml-py declares them.
 */
#include <pthread.h>

#include "scene.h"

typedef struct { u64 total, free, used; } nvmlMemory_t;
typedef struct { unsigned version; u64 total, reserved, free, used; } nvmlMemory_v2_t;
typedef struct { unsigned gpu, memory; } nvmlUtilization_t;
typedef struct { unsigned version; unsigned sensor; int celsius; } nvmlTemperature_v1_t;
typedef struct { unsigned pid; u64 used; unsigned gpu_instance, compute_instance; } nvmlProcess_t;

#define MEMORY_V2 0x02000028u
#define TEMPERATURE_V1 0x0100000Cu
#define NOT_AVAILABLE (~0ull)

static int opened, opened_ever;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Takes the lock and finds a handle's section; every entry point ends with `done`. */
static int begin(void *handle) {
    pthread_mutex_lock(&lock);
    if (!opened) return UNINITIALIZED;
    if (!scene()) return LIBRARY_NOT_FOUND;
    long section = (long)handle;
    if (section < 1 || section >= section_count) return INVALID_ARGUMENT;
    int card = sections[section].parent ? sections[section].parent : (int)section;
    return find(card, "lost") ? GPU_IS_LOST : SUCCESS;
}

static int done(int code) {
    pthread_mutex_unlock(&lock);
    return code;
}

static int numbers(void *handle, const char *first_key, u64 *first, const char *second_key,
                   u64 *second) {
    int code = begin(handle);
    if (code == SUCCESS) code = number((int)(long)handle, first_key, first);
    if (code == SUCCESS && second_key) code = number((int)(long)handle, second_key, second);
    return done(code);
}

static int words(void *handle, const char *key, char *buffer, unsigned size) {
    const char *word;
    int code = begin(handle);
    if (code == SUCCESS) code = value((int)(long)handle, key, &word);
    if (code == SUCCESS) snprintf(buffer, size, "%s", word);
    return done(code);
}

/* ---- the library and its driver ------------------------------------------------------------ */

int nvml_stand_in_opened(void) { return opened; }
int nvml_stand_in_opened_ever(void) { return opened_ever; }

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    pthread_mutex_lock(&lock);
    if (!scene()) return done(LIBRARY_NOT_FOUND);
    const char *word = find(0, "init");
    int code = word ? atoi(word + (*word == '!')) : SUCCESS;
    if (code == SUCCESS) opened++, opened_ever++;
    return done(code);
}

int nvmlShutdown(void) {
    pthread_mutex_lock(&lock);
    return done(opened ? (opened--, SUCCESS) : UNINITIALIZED);
}

const char *nvmlErrorString(int code) {
    static char words_of_it[40];
    snprintf(words_of_it, sizeof words_of_it, "error %d of the stand-in", code);
    return words_of_it;
}

int nvmlSystemGetDriverVersion(char *buffer, unsigned size) {
    const char *word;
    pthread_mutex_lock(&lock);
    int code = opened && scene() ? value(0, "driver", &word) : UNINITIALIZED;
    if (code == SUCCESS) snprintf(buffer, size, "%s", word);
    return done(code);
}

int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    u64 found;
    pthread_mutex_lock(&lock);
    int code = opened && scene() ? number(0, "cuda", &found) : UNINITIALIZED;
    if (code == SUCCESS) *version = (int)found;
    return done(code);
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    const char *word;
    pthread_mutex_lock(&lock);
    if (!opened || !scene()) return done(UNINITIALIZED);
    if ((word = find(0, "count"))) return done(atoi(word + 1));
    for (*count = 0; section_at(0, 0, *count); ++*count) {}
    return done(SUCCESS);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    pthread_mutex_lock(&lock);
    if (!opened || !scene()) return done(UNINITIALIZED);
    int section = section_at(0, 0, index);
    *handle = (void *)(long)section;
    if (!section) return done(INVALID_ARGUMENT);
    return done(find(section, "lost") ? GPU_IS_LOST : SUCCESS);
}

/* ---- one card ----------------------------------------------------------------------------- */

int nvmlDeviceGetName(void *card, char *to, unsigned size) { return words(card, "name", to, size); }
int nvmlDeviceGetUUID(void *card, char *to, unsigned size) { return words(card, "uuid", to, size); }

static int memory(void *card, nvmlMemory_v2_t *to) {
    int code = numbers(card, "total", &to->total, "used", &to->used);
    if (code != SUCCESS) return code;
    if (numbers(card, "reserved", &to->reserved, NULL, NULL) != SUCCESS) to->reserved = 0;
    to->free = to->total - to->used - to->reserved;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(void *card, nvmlMemory_t *to) {
    nvmlMemory_v2_t found;
    int code = memory(card, &found);
    if (code == SUCCESS) *to = (nvmlMemory_t){found.total, found.free, found.total - found.free};
    return code;
}

int nvmlDeviceGetMemoryInfo_v2(void *card, nvmlMemory_v2_t *to) {
    u64 refusal;
    int code = numbers(card, "memory_v2", &refusal, NULL, NULL);
    if (code != SUCCESS && code != NOT_SUPPORTED) return code;
    return to->version == MEMORY_V2 ? memory(card, to) : VERSION_MISMATCH;
}

int nvmlDeviceGetUtilizationRates(void *card, nvmlUtilization_t *to) {
    u64 gpu, memory_share;
    int code = numbers(card, "gpu_percent", &gpu, "memory_percent", &memory_share);
    if (code == SUCCESS) *to = (nvmlUtilization_t){(unsigned)gpu, (unsigned)memory_share};
    return code;
}

int nvmlDeviceGetTemperatureV(void *card, nvmlTemperature_v1_t *to) {
    u64 found;
    if (to->version != TEMPERATURE_V1) return VERSION_MISMATCH;
    int code = numbers(card, "celsius_v1", &found, NULL, NULL);
    if (code == NOT_SUPPORTED) code = numbers(card, "celsius", &found, NULL, NULL);
    if (code == SUCCESS) to->celsius = (int)found;
    return code;
}

int nvmlDeviceGetTemperature(void *card, unsigned sensor, unsigned *to) {
    u64 found;
    int code = numbers(card, "celsius", &found, NULL, NULL);
    if (code == SUCCESS) *to = (unsigned)found;
    return sensor ? INVALID_ARGUMENT : code;
}

#define ONE_NUMBER(function, key, type)                                                           \
    int function(void *card, type *to) {                                                          \
        u64 found;                                                                                \
        int code = numbers(card, key, &found, NULL, NULL);                                        \
        if (code == SUCCESS) *to = (type)found;                                                   \
        return code;                                                                              \
    }
ONE_NUMBER(nvmlDeviceGetPowerUsage, "power_mw", unsigned)
ONE_NUMBER(nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw", unsigned)
ONE_NUMBER(nvmlDeviceGetTotalEnergyConsumption, "energy_mj", u64)
ONE_NUMBER(nvmlDeviceGetCurrentClocksEventReasons, "throttle", u64)
ONE_NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, "throttle_old", u64)
ONE_NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, "pcie_generation", unsigned)
ONE_NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, "pcie_generation_max", unsigned)
ONE_NUMBER(nvmlDeviceGetCurrPcieLinkWidth, "pcie_width", unsigned)
ONE_NUMBER(nvmlDeviceGetMaxPcieLinkWidth, "pcie_width_max", unsigned)
ONE_NUMBER(nvmlDeviceGetPersistenceMode, "persistence", unsigned)
ONE_NUMBER(nvmlDeviceGetMemoryBusWidth, "bus_width_bits", unsigned)
ONE_NUMBER(nvmlDeviceGetGpuInstanceId, "gpu_instance", unsigned)
ONE_NUMBER(nvmlDeviceGetComputeInstanceId, "compute_instance", unsigned)

static int clock_mhz(void *card, unsigned kind, int of_max, unsigned *to) {
    static const char *keys[2][3] = {{"graphics_mhz", "sm_mhz", "memory_mhz"},
                                     {"graphics_max_mhz", "sm_max_mhz", "memory_max_mhz"}};
    u64 found;
    if (kind > 2) return INVALID_ARGUMENT;
    int code = numbers(card, keys[of_max][kind], &found, NULL, NULL);
    if (code == SUCCESS) *to = (unsigned)found;
    return code;
}

int nvmlDeviceGetClockInfo(void *card, unsigned kind, unsigned *to) {
    return clock_mhz(card, kind, 0, to);
}

int nvmlDeviceGetMaxClockInfo(void *card, unsigned kind, unsigned *to) {
    return clock_mhz(card, kind, 1, to);
}

static int pair(void *card, const char *key, unsigned *first, unsigned *second) {
    char both[32];
    int code = words(card, key, both, sizeof both);
    if (code == SUCCESS && sscanf(both, "%u %u", first, second) != 2) abort();
    return code;
}

int nvmlDeviceGetCudaComputeCapability(void *card, int *major, int *minor) {
    return pair(card, "capability", (unsigned *)major, (unsigned *)minor);
}

int nvmlDeviceGetEccMode(void *card, unsigned *current, unsigned *pending) {
    return pair(card, "ecc", current, pending);
}

int nvmlDeviceGetMigMode(void *card, unsigned *current, unsigned *pending) {
    return pair(card, "mig", current, pending);
}

int nvmlDeviceGetTotalEccErrors(void *card, unsigned kind, unsigned counter, u64 *to) {
    if (counter) return NOT_SUPPORTED;
    return numbers(card, kind ? "ecc_uncorrected" : "ecc_corrected", to, NULL, NULL);
}

int nvmlDeviceGetMaxMigDeviceCount(void *card, unsigned *to) {
    int code = begin(card);
    *to = 7;
    return done(code);
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *card, unsigned index, void **handle) {
    int code = begin(card);
    int section = code == SUCCESS ? section_at((int)(long)card, 1, index) : 0;
    *handle = (void *)(long)section;
    return done(code != SUCCESS ? code : section ? SUCCESS : NOT_FOUND);
}

/* Lines `KEY = PID BYTES [GPU_INSTANCE]`; `?` as bytes is "not available". */
static int processes(void *card, const char *key, unsigned *room, nvmlProcess_t *to) {
    unsigned found = 0, fits = *room;
    const char *word;
    int code = begin(card);
    if (code == SUCCESS && value((int)(long)card, key, &word) != SUCCESS && word)
        code = atoi(word + 1);
    for (int i = 0; code == SUCCESS && i < entry_count; i++) {
        if (entries[i].section != (int)(long)card || strcmp(entries[i].key, key)) continue;
        char bytes[32];
        unsigned pid, instance = ~0u;
        if (sscanf(entries[i].value, "%u %31s %u", &pid, bytes, &instance) < 2) abort();
        u64 used = *bytes == '?' ? NOT_AVAILABLE : strtoull(bytes, NULL, 10);
        if (to && found < fits) to[found] = (nvmlProcess_t){pid, used, instance, ~0u};
        found++;
    }
    if (code == SUCCESS) *room = found;
    return done(code == SUCCESS && found > (to ? fits : 0) ? INSUFFICIENT_SIZE : code);
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *card, unsigned *room, nvmlProcess_t *to) {
    return processes(card, "compute", room, to);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *card, unsigned *room, nvmlProcess_t *to) {
    return processes(card, "graphics", room, to);
}

int nvmlDeviceGetMPSComputeRunningProcesses_v3(void *card, unsigned *room, nvmlProcess_t *to) {
    return processes(card, "mps", room, to);
}
