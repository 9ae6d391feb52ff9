// The program whose crash `make demo` shows: a few threads, a few inlined calls, and a lamp that nobody installed.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

struct Lamp {
    int padding[4];
    int brightness;
    void dim_to(int level) { brightness = level; }
};

struct Lighthouse {
    std::string name;
    Lamp* lamp;

    inline __attribute__((always_inline)) void shine(int level) { lamp->dim_to(level); }
};

namespace coast {

__attribute__((noinline)) void patrol(std::vector<Lighthouse>& houses, int level) {
    for (Lighthouse& house : houses) {
        std::printf("lighting %s\n", house.name.c_str());
        house.shine(level);
    }
}

template <typename Watch>
__attribute__((noinline)) void keep_watch(Watch watch) {
    watch();
    std::puts("the watch is over");
}

}  // namespace coast

static void wait_for_ships(int seconds) {
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
}

int main() {
    Lamp lamp{};
    std::vector<Lighthouse> houses = {{"Skerryvore", &lamp}, {"Muckle Flugga", nullptr}};
    std::thread harbour(wait_for_ships, 60), strait(wait_for_ships, 60);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    coast::keep_watch([&] { coast::patrol(houses, 7); });
    harbour.join();
    strait.join();
}
