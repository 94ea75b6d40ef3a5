using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MLflow.Benchmarks.Calls;

/// <summary>CPU time of the calling thread, which neither other programs nor background threads lengthen.</summary>
internal static class ThreadClock
{
    public static bool IsCpuTime => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    /// <summary>Nanoseconds; of the wall clock where the system has no such clock.</summary>
    public static long Now()
    {
        if (!IsCpuTime)
        {
            return Stopwatch.GetTimestamp() * (1_000_000_000 / Stopwatch.Frequency);
        }

        // CLOCK_THREAD_CPUTIME_ID in time.h.
        return GetTime(OperatingSystem.IsMacOS() ? 16 : 3, out var time) == 0 ? (time.Seconds * 1_000_000_000) + time.Nanoseconds : throw new InvalidOperationException("clock_gettime failed.");
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    private static extern int GetTime(int clock, out Time time);

    private readonly struct Time
    {
        public readonly nint Seconds;
        public readonly nint Nanoseconds;
    }
}
