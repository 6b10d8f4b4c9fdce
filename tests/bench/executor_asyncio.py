#!/usr/bin/env python3
"""The rows of executor.cc with Python's asyncio, or with uvloop.

    executor_asyncio.py [SECONDS] [uvloop]

Prints the same lines; nothing where uvloop is asked for and is not there.
"""

import asyncio
import resource
import sys
import time

FIB, FIB_OF, FIB_CALLS = 20, 6765, 21891
LEAVES = 10_000
SKYNET_TASKS = 11_111
TIMERS, MESSAGES, ROOM, PRODUCERS = 10_000, 20_000, 128, 4


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def same(x):
    return x


async def call_many(times):
    total = 0
    for _ in range(times):
        total += await same(1)
    return total


async def nothing():
    pass


async def spawn_many(times):
    await asyncio.gather(*[asyncio.create_task(nothing())
                           for _ in range(times)])
    return times


async def yield_many(times):
    for _ in range(times):
        await asyncio.sleep(0)


async def switch(times):
    await asyncio.gather(yield_many(times // 2), yield_many(times // 2))
    return times


async def produce(queue, times):
    for i in range(times):
        await queue.put(i)


async def use_queue(producers, messages):
    queue = asyncio.Queue(ROOM)
    tasks = [asyncio.create_task(produce(queue, messages // producers))
             for _ in range(producers)]
    for _ in range(messages):
        await queue.get()
    await asyncio.gather(*tasks)
    return messages


def timer_of(i):
    return 1e-6 * (1000 + (i * 7919) % 99000)


async def sleep_once(i, late_us):
    begin = time.monotonic()
    await asyncio.sleep(timer_of(i))
    late_us[i] = 1e6 * (time.monotonic() - begin - timer_of(i))


async def sleep_many(late_us):
    await asyncio.gather(*[sleep_once(i, late_us) for i in range(TIMERS)])
    return TIMERS


async def fib(n):
    if n < 2:
        return n
    a = asyncio.create_task(fib(n - 1))
    b = await fib(n - 2)
    return await a + b


async def use_fib():
    assert await fib(FIB) == FIB_OF
    return FIB_CALLS


async def skynet(first, leaves):
    if leaves == 1:
        return first
    return sum(await asyncio.gather(
        *[skynet(first + i * (leaves // 10), leaves // 10)
          for i in range(10)]))


async def use_skynet():
    assert await skynet(0, LEAVES) == LEAVES * (LEAVES - 1) // 2
    return SKYNET_TASKS


async def row(name, seconds, run):
    await run()
    cpu, start, count = cpu_seconds(), time.monotonic(), 0
    while True:
        count += await run()
        spent = time.monotonic() - start
        if spent >= seconds:
            break
    print("%s %.1f /s %.4f" %
          (name, count / spent, (cpu_seconds() - cpu) * 1e6 / count),
          flush=True)


async def main(seconds):
    await row("call", seconds, lambda: call_many(100_000))
    await row("spawn_one", seconds, lambda: spawn_many(10_000))
    await row("switch_one", seconds, lambda: switch(20_000))
    await row("queue_one", seconds, lambda: use_queue(1, MESSAGES))
    await row("queue_mpsc", seconds, lambda: use_queue(PRODUCERS, MESSAGES))
    await row("fib", seconds, use_fib)
    await row("skynet", seconds, use_skynet)
    late_us = [0.0] * TIMERS
    await row("timers", seconds, lambda: sleep_many(late_us))
    late_us.sort()
    p50, p99 = late_us[TIMERS // 2], late_us[TIMERS * 99 // 100]
    print("timer_late %.1f us 0 p50 %.1f us, p99 %.1f us" % (p50, p50, p99))


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[2] == "uvloop":
        try:
            import uvloop
        except ImportError:
            print("uvloop is not there", file=sys.stderr)
            sys.exit(0)
        uvloop.install()
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.5))
