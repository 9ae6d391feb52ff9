// Crashes in as many ways as there are, each behind a call that may be inlined and one that is not.
#include <cassert>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

static volatile int zero = 0;
static volatile long sink = 0;

struct Animal {
    virtual int speak(int volume) = 0;
    virtual ~Animal() = default;
};

static void crash_null() { *(volatile int*)0x18 = 1; }
static void crash_noncanonical() { sink = *(volatile long*)0x8badf00d8badf00dUL; }
static void crash_bad_jump() {
    static char data[64] __attribute__((aligned(64)));
    ((void (*volatile)())(void*)data)();
    sink = 1;
}
static void crash_null_jump() {
    void (*volatile nowhere)() = nullptr;
    nowhere();
    sink = 1;
}
static void crash_abort() { abort(); }
static void crash_throw() { throw std::runtime_error("nobody catches this"); }
static void crash_assert() { assert(zero == 1 && "zero is one"); }
static void crash_fpe() { sink = 7 / zero; }
static void crash_trap() { __builtin_trap(); }
static void crash_breakpoint() {
    __asm__ volatile("int3");
    sink = 1;
}
static void crash_bus() {
    char name[] = "/tmp/crash-bus-XXXXXX";
    int file = mkstemp(name);
    unlink(name);
    if (ftruncate(file, 4096)) return;
    char* mapped = (char*)mmap(nullptr, 8192, PROT_READ, MAP_PRIVATE, file, 0);
    sink = *(volatile char*)(mapped + 5000);
}
static void crash_read_only() {
    static const char text[] = "this is read-only";
    *(volatile char*)text = 'T';
}
static void crash_memcpy() { memcpy((void*)(long)zero, "ten bytes!", 10 + zero); }
static void crash_kill() { raise(SIGSEGV); }
__attribute__((noinline)) static int crash_overflow(int depth) {
    volatile char page[4096];
    page[0] = (char)depth;
    return crash_overflow(depth + 1) + page[0];
}

static const struct {
    const char* name;
    void (*crash)();
} ways[] = {
    {"null", crash_null},         {"noncanonical", crash_noncanonical},
    {"bad_jump", crash_bad_jump}, {"null_jump", crash_null_jump},
    {"abort", crash_abort},       {"throw", crash_throw},
    {"assert", crash_assert},     {"fpe", crash_fpe},
    {"trap", crash_trap},         {"breakpoint", crash_breakpoint},
    {"bus", crash_bus},           {"read_only", crash_read_only},
    {"memcpy", crash_memcpy},     {"kill", crash_kill},
    {"overflow", [] { sink = crash_overflow(0); }},
};

struct Parrot : Animal {
    int speak(int volume) override {
        for (const auto& way : ways)
            if (std::strcmp(way.name, word) == 0) way.crash();
        return volume + 1;
    }
    explicit Parrot(const char* word) : word(word) {}
    const char* word;
};

template <typename T>
inline __attribute__((always_inline)) int repeat(T& animal, int times) {
    int heard = 0;
    for (int i = 0; i < times; i++) heard += animal.speak(i);
    return heard;
}

__attribute__((noinline)) int visit(Animal& animal) {
    int heard = repeat(animal, 3);
    std::printf("heard %d\n", heard);
    return heard;
}

int main(int, char** arguments) {
    Parrot parrot(arguments[1]);
    int heard = visit(parrot);
    std::puts("done");
    return heard == 0;
}
