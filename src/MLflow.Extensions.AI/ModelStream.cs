using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>A streamed answer that passes by: what came when, and how it ended.</summary>
/// <typeparam name="T">Type of the stream's parts.</typeparam>
internal sealed class ModelStream<T>
{
    /// <summary>Most parts that are kept for the output; more pass unrecorded, and the span says so.</summary>
    public const int MaxUpdates = 65_536;

    private readonly ModelCall _call;
    private readonly Func<T, bool> _hasContent;
    private readonly Func<T, JsonObject> _toChunk;
    private readonly Action<LiveSpan, IReadOnlyList<T>> _record;
    private readonly List<T> _updates = [];
    private readonly List<long> _times = [];
    private int _total;
    private long _firstContent;

    /// <param name="call">The call.</param>
    /// <param name="hasContent">True for a part with something for the reader in it.</param>
    /// <param name="toChunk">A part as JSON.</param>
    /// <param name="record">Records the request and the merged answer.</param>
    public ModelStream(ModelCall call, Func<T, bool> hasContent, Func<T, JsonObject> toChunk, Action<LiveSpan, IReadOnlyList<T>> record)
    {
        _call = call;
        _hasContent = hasContent;
        _toChunk = toChunk;
        _record = record;
    }

    /// <summary>The program dropped the stream without closing it.</summary>
    ~ModelStream() => End(StreamEnds.Dropped, null);

    /// <summary>Passes a stream on.</summary>
    public async IAsyncEnumerable<T> ReadAsync(Func<IAsyncEnumerable<T>> start, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var end = StreamEnds.Abandoned;
        Exception? exception = null;
        IAsyncEnumerator<T>? updates = null;
        try
        {
            while (true)
            {
                // What flows with a method is lost at each step of an iterator.
                _call.Enter();
                T update;
                try
                {
                    updates ??= start().GetAsyncEnumerator(cancellationToken);
                    if (!await updates.MoveNextAsync().ConfigureAwait(false))
                    {
                        end = StreamEnds.Completed;
                        yield break;
                    }

                    update = updates.Current;
                }
                catch (Exception e) when (Note(e, out exception))
                {
                    throw;
                }

                Add(update);
                yield return update;
            }
        }
        finally
        {
            _call.Enter();
            try
            {
                if (updates is not null)
                {
                    await updates.DisposeAsync().ConfigureAwait(false);
                }
            }
            finally
            {
#pragma warning disable CA1816 // The end of the iteration is what disposing is elsewhere.
                GC.SuppressFinalize(this);
#pragma warning restore CA1816
                End(exception is null ? end : exception is OperationCanceledException ? StreamEnds.Cancelled : StreamEnds.Truncated, exception);
            }
        }
    }

    private static bool Note(Exception passing, out Exception? noted)
    {
        noted = passing;
        return false;
    }

    private void Add(T update)
    {
        try
        {
            var now = _call.Now();
            _total++;
            if (_firstContent == 0 && _hasContent(update))
            {
                _firstContent = now;
            }

            if (_updates.Count < MaxUpdates)
            {
                _updates.Add(update);
                _times.Add(now);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A failure of ours must not reach the call.
        }
    }

    private void End(string end, Exception? exception) => _call.End(exception, span =>
    {
        _record(span, _updates);
        span.SetAttribute(AttributeNames.StreamEnd, AttributeValue.FromString(end));
        span.SetAttribute(AttributeNames.ChunkCount, AttributeValue.FromInt64(_total));
        if (_firstContent != 0)
        {
            var wait = span.Trace.ToUnixNs(_firstContent) - span.Trace.ToUnixNs(_call.StartTimestamp);
            span.SetAttribute(AttributeNames.TimeToFirstToken, AttributeValue.FromDouble(Math.Round(wait / 1e6, 3)));
        }

        RecordChunks(span);
    });

    private void RecordChunks(LiveSpan span)
    {
        var options = new OpenAIAutologOptions();
        var chunks = _updates.Take(options.MaxChunkEvents).Select(update => ChatMessageBuilder.Encode(_toChunk(update))).ToList();
        var log = new ChunkLogBuilder(new StreamLimits(options.MaxChunkEvents, options.MaxCaptureBytes), chunks.Sum(chunk => chunk.Json.Length));
        for (var i = 0; i < chunks.Count; i++)
        {
            log.Add(chunks[i].Json, default, span.Trace.ToUnixNs(_times[i]), isJson: true);
        }

        var built = log.Build();
        span.SetChunks(built);
        if (_total > (built?.Count ?? 0))
        {
            span.SetAttribute(AttributeNames.ChunksOmitted, AttributeValue.FromInt64(_total - (built?.Count ?? 0)));
        }
    }
}
