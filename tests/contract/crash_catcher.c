/* Preloaded into a program of a test: catches its crash and has Crashpad's own handler dump and upload it.
 *
 * Crashpad's client library does the same in a program that links it. The handler finds the crash through the address
 * of a packed struct in the crashed process (crashpad: util/linux/exception_information.h).
 * Environment: CRASHPAD_HANDLER, CRASHPAD_DATABASE, CRASHPAD_URL (may be empty), CRASHPAD_OPTIONS (blank-separated).
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct __attribute__((packed)) exception_information {
    uint64_t siginfo_address;
    uint64_t context_address;
    int32_t thread_id;
};

static const int caught[] = {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGTRAP, SIGSYS};
static char alternate_stack[65536];
static char *arguments[32];
static char database[4096], url[4096], trace[64], options[4096];

static void on_crash(int signal_number, siginfo_t *info, void *context) {
    struct exception_information information = {(uintptr_t)info, (uintptr_t)context, (int32_t)syscall(SYS_gettid)};
    snprintf(trace, sizeof trace, "--trace-parent-with-exception=0x%lx", (unsigned long)(uintptr_t)&information);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    pid_t child = fork();
    if (child == 0) {
        unsetenv("LD_PRELOAD");
        execv(arguments[0], arguments);
        _exit(127);
    }
    waitpid(child, NULL, 0);
    signal(signal_number, SIG_DFL);
    syscall(SYS_tgkill, getpid(), information.thread_id, signal_number);
}

__attribute__((constructor)) static void install(void) {
    int count = 0;
    arguments[count++] = getenv("CRASHPAD_HANDLER");
    if (arguments[0] == NULL) return;
    snprintf(database, sizeof database, "--database=%s", getenv("CRASHPAD_DATABASE"));
    snprintf(url, sizeof url, "--url=%s", getenv("CRASHPAD_URL") ? getenv("CRASHPAD_URL") : "");
    snprintf(options, sizeof options, "%s", getenv("CRASHPAD_OPTIONS") ? getenv("CRASHPAD_OPTIONS") : "");
    arguments[count++] = trace;
    arguments[count++] = database;
    if (url[6]) arguments[count++] = url;
    for (char *option = strtok(options, " "); option && count < 31; option = strtok(NULL, " "))
        arguments[count++] = option;

    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) sigaction(caught[i], &action, NULL);
}
