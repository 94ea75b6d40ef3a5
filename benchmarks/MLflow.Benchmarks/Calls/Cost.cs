namespace MLflow.Benchmarks.Calls;

/// <summary>What one call costs, as the mean of many.</summary>
/// <param name="ThreadNs">CPU time of the thread that makes the call, in nanoseconds.</param>
/// <param name="ThreadBytes">Bytes that this thread allocates.</param>
/// <param name="ProcessNs">CPU time of the whole process, the background and the flush included, in nanoseconds.</param>
/// <param name="ProcessBytes">Bytes that the whole process allocates, likewise.</param>
internal readonly record struct Cost(double ThreadNs, double ThreadBytes, double ProcessNs, double ProcessBytes)
{
    /// <summary>Calls between two pauses of a millisecond. A model answers no faster, and without them the background would fall behind and be counted to the callers.</summary>
    private const int CallsBetweenPauses = 10;

    /// <summary>Runs <paramref name="call"/> many times, then <paramref name="flush"/>, which is counted to the process alone.</summary>
    public static Cost Of(int calls, Action call, Action flush)
    {
        var processBytes = GC.GetTotalAllocatedBytes(precise: true);
        var process = Environment.CpuUsage.TotalTime;
        var threadBytes = GC.GetAllocatedBytesForCurrentThread();
        var thread = ThreadClock.Now();
        for (var i = 0; i < calls; i++)
        {
            call();
            if (i % CallsBetweenPauses == CallsBetweenPauses - 1)
            {
                Thread.Sleep(1);
            }
        }

        var threadNs = ThreadClock.Now() - thread;
        threadBytes = GC.GetAllocatedBytesForCurrentThread() - threadBytes;
        flush();
        var processNs = (Environment.CpuUsage.TotalTime - process).TotalNanoseconds;
        processBytes = GC.GetTotalAllocatedBytes(precise: true) - processBytes;
        return new Cost((double)threadNs / calls, (double)threadBytes / calls, processNs / calls, (double)processBytes / calls);
    }

    public static Cost operator -(Cost left, Cost right) =>
        new(left.ThreadNs - right.ThreadNs, left.ThreadBytes - right.ThreadBytes, left.ProcessNs - right.ProcessNs, left.ProcessBytes - right.ProcessBytes);
}
