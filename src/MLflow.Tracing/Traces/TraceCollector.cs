using System.Collections.Concurrent;
using System.Text;

namespace MLflow;

/// <summary>
/// Keeps traces for a test instead of sending them: those that begin in this async flow, and in what it starts, while the collector is there. Tests that run at the same time
/// do not see each other's.
/// </summary>
/// <remarks>
/// Start it in the test itself: what a constructor or an asynchronous set-up method starts does not flow into the test. Calls of models are seen where
/// <c>Mlflow.OpenAI.Autolog()</c> was called or clients have <c>AddMlflowTracing()</c>.
/// </remarks>
/// <example>
/// <code>
/// await using var traces = TraceCollector.Start();
/// await agent.AskAsync("What's the weather like in Paris today?");
/// var trace = await traces.GetTraceAsync();
/// Assert.Equal("rainy", trace.GetSpan("get_weather", SpanType.Tool).Outputs?.GetString());
/// </code>
/// </example>
public sealed class TraceCollector : IAsyncDisposable
{
    /// <summary>How long <see cref="GetTracesAsync"/> waits unless told otherwise.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(5);

    private static readonly AsyncLocal<TraceCollector?> Flow = new();

    private readonly TraceCollector? _previous;
    private readonly MlflowClient? _client;
    private readonly CollectedTraces _traces = new();
    private readonly ConcurrentDictionary<TraceOutlet, TraceOutlet> _outlets = new();
    private volatile bool _isDisposed;

    private TraceCollector(TraceCollector? previous, MlflowClient? client)
    {
        _previous = previous;
        _client = client;
    }

    /// <summary>The collector that traces of this flow go to. Null for none.</summary>
    internal static TraceCollector? OfFlow
    {
        get
        {
            // A flow that outlives its test goes on with what the test had before.
            var collector = Flow.Value;
            while (collector is { _isDisposed: true })
            {
                collector = collector._previous;
            }

            return collector;
        }
    }

    /// <summary>Collects the traces of this async flow, whichever client makes them, until it is disposed.</summary>
    public static TraceCollector Start() => Flow.Value = new TraceCollector(OfFlow, client: null);

    /// <summary>
    /// Collects all traces of a client, whichever flow they begin in, until it is disposed. For the client of a host in a test, since its requests are flows of their own:
    /// <c>TraceCollector.Start(app.Services.GetRequiredService&lt;MlflowClient&gt;())</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another collector takes the client's traces.</exception>
    public static TraceCollector Start(MlflowClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        var collector = new TraceCollector(previous: null, client);
        return client.Outlet.TrySetCollector(collector)
            ? collector
            : throw new InvalidOperationException("Another TraceCollector takes the traces of this client: dispose it first, or give each test a client of its own.");
    }

    /// <summary>Waits until every trace that has begun has ended and been recorded, and gives them in the order of their beginning.</summary>
    /// <param name="timeout">How long at most. Null: <see cref="DefaultTimeout"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">A trace has not ended in time: a span of it was not disposed, or an answer that is streamed was neither read to its end nor left.</exception>
    /// <exception cref="InvalidOperationException">A trace could not be recorded, which is a fault of this package.</exception>
    public async Task<IReadOnlyList<TraceRecord>> GetTracesAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        using var deadline = new CancellationTokenSource(timeout ?? DefaultTimeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            while (true)
            {
                // What happens after this moment ends the wait.
                var change = _traces.NextChange();
                await DrainAsync(either.Token).ConfigureAwait(false);
                if (_traces.Unfinished() is [])
                {
                    return _traces.ReadAll();
                }

                await change.WaitAsync(either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            var names = _traces.Unfinished().Select(trace => $"'{trace.Root?.Name}' ({string.Join(", ", trace.RunningSpans().Select(span => $"'{span.Name}'"))} of it)");
            throw new TimeoutException(
                $"These traces have not ended after {timeout ?? DefaultTimeout}, because spans of them still run: {string.Join("; ", names)}. Dispose the spans and read streams to their end first.");
        }
    }

    /// <summary>As <see cref="GetTracesAsync"/>, where there is one trace.</summary>
    /// <exception cref="InvalidOperationException">There is none, or more than one; the message shows them.</exception>
    /// <exception cref="TimeoutException">It has not ended in time.</exception>
    public async Task<TraceRecord> GetTraceAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default) => await GetTracesAsync(timeout, cancellationToken).ConfigureAwait(false) switch
    {
        [var trace] => trace,
        [] => throw new InvalidOperationException("No trace was collected: none began in this flow after TraceCollector.Start(). For calls of models, Mlflow.OpenAI.Autolog() comes first."),
        var traces => throw new InvalidOperationException($"{traces.Count} traces were collected, not one:{Environment.NewLine}{Trees(traces)}"),
    };

    /// <summary>Stops collecting. Traces that began while the collector was there are sent to nobody, even if they end later.</summary>
    public ValueTask DisposeAsync()
    {
        _isDisposed = true;
        if (ReferenceEquals(Flow.Value, this))
        {
            Flow.Value = _previous;
        }

        _client?.Outlet.RemoveCollector(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>The trees of the traces that have ended so far, for messages of failed tests.</summary>
    public override string ToString() => Trees(_traces.Read());

    internal TraceOutlet OutletOf(TraceOutlet outlet) => _outlets.GetOrAdd(
        outlet, static (outlet, traces) => new TraceOutlet(outlet.Tracer, traces, static () => CollectedTraces.Nowhere) { InsteadOf = outlet, Log = outlet.Log, TraceTimeout = outlet.TraceTimeout }, _traces);

    internal void Add(ActiveTrace trace) => _traces.Add(trace);

    private static string Trees(IReadOnlyList<TraceRecord> traces) => new StringBuilder().AppendJoin(Environment.NewLine, traces).ToString();

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        foreach (var traces in _traces.Unfinished().GroupBy(trace => trace.Tracer))
        {
            if (traces.Key.DrainTracesAsync is { } drain)
            {
                await drain(traces, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
