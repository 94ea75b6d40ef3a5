namespace MLflow;

/// <summary>
/// A caller that waits for what was accepted before it called. It gives a server up when that cannot be reached, or asked for a long
/// wait, or was busy several times. Touched under the exporter's lock only.
/// </summary>
internal sealed class FlushRequest
{
    /// <summary>Tries that a busy or failing server gets while somebody waits.</summary>
    public const int MaxTries = 3;

    /// <summary>A server that asks for more patience than this is not waited for.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    private readonly long _sequence;
    private readonly long _firstAttempt;
    private readonly Dictionary<TrackingServer, int> _failures = [];
    private readonly HashSet<(TrackingServer Server, TraceDestination Destination)> _held = [];
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="sequence">The last export that is waited for.</param>
    /// <param name="firstAttempt">The first try that begins after the call; what fails before it does not count.</param>
    public FlushRequest(long sequence, long firstAttempt)
    {
        _sequence = sequence;
        _firstAttempt = firstAttempt;
    }

    /// <summary>What other processes have left on the disk is not waited for.</summary>
    public bool IsOwnOnly { get; init; } = true;

    public Task Done => _done.Task;

    public bool WaitsFor(ExportLane lane) => !lane.IsEmpty && lane.FirstSequence <= _sequence && !_held.Contains((lane.Server, lane.Destination)) && WaitsFor(lane.Server);

    /// <summary>The server is not given up yet.</summary>
    public bool WaitsFor(TrackingServer server) =>
        _failures.GetValueOrDefault(server) < MaxTries && !(server.Retry.IsToldToWait && server.Retry.Remaining > MaxWait);

    /// <summary>What is on the disk for it is waited for: not while traces of one experiment are held, which may be there, too.</summary>
    public bool WaitsForSpool(TrackingServer server) => WaitsFor(server) && !_held.Any(held => ReferenceEquals(held.Server, server));

    /// <returns>Whether it counts: the try of a moment before the call does not, so that another one is due.</returns>
    public bool Note(TrackingServer server, ExportFailureKind kind, long attempt)
    {
        if (attempt < _firstAttempt)
        {
            return false;
        }

        _failures[server] = kind == ExportFailureKind.Unreachable ? MaxTries : _failures.GetValueOrDefault(server) + 1;
        return true;
    }

    /// <summary>What holds an experiment's traces is not over in a moment.</summary>
    /// <returns>Whether it counts.</returns>
    public bool Note(ExportLane lane, long attempt)
    {
        if (attempt < _firstAttempt)
        {
            return false;
        }

        _held.Add((lane.Server, lane.Destination));
        return true;
    }

    public void Complete() => _done.TrySetResult();
}
