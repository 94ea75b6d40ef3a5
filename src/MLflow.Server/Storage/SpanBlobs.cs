using MLflow.Server.Blobs;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage;

/// <summary>Moves large parts of payloads to the blob store before they are written, and brings them back when they are read.</summary>
internal sealed class SpanBlobs
{
    /// <summary>The attribute that stands in place of a span's attributes where they cannot be had.</summary>
    public const string LostAttribute = "mlflow.server.lostContent";

    /// <summary>Contents that are read or written at the same time for one request.</summary>
    private const int Parallel = 8;

    /// <summary>How often a batch is written whose contents are deleted from the store meanwhile.</summary>
    private const int Attempts = 3;

    // A run of Base64 gets shorter by a quarter when it is compressed: a payload that is shorter than this has none that is long enough.
    private const double CompressedShare = 0.7;

    private readonly IBlobStore? _store;
    private readonly int _fromBytes;

    /// <param name="store">The store; null for none, where nothing is moved.</param>
    /// <param name="fromBytes">What is large; 0 for nothing.</param>
    /// <param name="archives">How archived traces are written; null where there are none.</param>
    public SpanBlobs(IBlobStore? store, int fromBytes, IArchiveFormat? archives = null) => (_store, _fromBytes, Archives) = (store, fromBytes, archives);

    /// <summary>Keeps everything in the database.</summary>
    public static SpanBlobs None { get; } = new(null, 0);

    /// <summary>How archived traces are written; null where there are none.</summary>
    public IArchiveFormat? Archives { get; }

    /// <summary>Bytes of a compressed payload from which there may be something to move.</summary>
    private int LargeFrom => _store is null || _fromBytes == 0 ? int.MaxValue : (int)(_fromBytes * CompressedShare);

    /// <summary>The store.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public IBlobStore Store => _store ?? throw new InvalidOperationException("This database has no blob store.");

    /// <summary>Writes rows, with what is large in them in the store.</summary>
    /// <param name="rows">Makes them, by the size from which a compressed payload is large.</param>
    /// <param name="write">Writes them, perhaps again where what they refer to is deleted meanwhile.</param>
    /// <param name="ledger">Knows what is in the store.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: the store cannot be written.</exception>
    public async Task WriteAsync(Func<int, IReadOnlyList<TraceRows>> rows, Func<IReadOnlyList<TraceRows>, Task> write, IBlobLedger ledger, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var traces = rows(LargeFrom);
            await MoveAsync(traces, ledger, cancellationToken).ConfigureAwait(false);
            try
            {
                await write(traces).ConfigureAwait(false);
                return;
            }
            catch (BlobGoneException) when (attempt < Attempts)
            {
                // What another one deleted is put into the store again.
            }
        }
    }

    /// <summary>Puts what is large in spans into the store; the rows have references then.</summary>
    private async Task MoveAsync(IReadOnlyList<TraceRows> traces, IBlobLedger ledger, CancellationToken cancellationToken)
    {
        if (_store is null || _fromBytes == 0)
        {
            return;
        }

        var cut = new List<(SpanRow Row, CutPayload Payload)>();
        foreach (var row in traces.SelectMany(trace => trace.Spans))
        {
            if (row.Codec == PayloadFrame.Zstd && row.Payload.Length >= LargeFrom && PayloadManifest.Cut(PayloadFrame.Json(row.Codec, row.Payload, owner: null), _fromBytes) is { } payload)
            {
                cut.Add((row, payload));
            }
        }

        if (cut.Count == 0)
        {
            return;
        }

        var contents = cut.SelectMany(span => span.Payload.Contents).ToList();
        var hashes = new Dictionary<byte[], string>(ReferenceEqualityComparer.Instance);
        contents.ForEach(content => hashes[content] = BlobName.HashOf(content));
        var places = await PutAsync(ledger, [.. contents.DistinctBy(content => hashes[content]).Select(content => (hashes[content], content))], cancellationToken).ConfigureAwait(false);
        foreach (var (row, payload) in cut)
        {
            row.Move(PayloadManifest.Write(payload, content => places[hashes[content]]), [.. payload.Contents.Select(content => places[hashes[content]]).Distinct()]);
        }
    }

    /// <summary>Puts contents into the store, those that are not there.</summary>
    /// <returns>The names by the SHA-256.</returns>
    public async Task<IReadOnlyDictionary<string, string>> PutAsync(IBlobLedger ledger, IReadOnlyList<(string Hash, byte[] Content)> contents, CancellationToken cancellationToken)
    {
        var places = await ledger.RegisterAsync([.. contents.Select(content => (content.Hash, (long)content.Content.Length))], cancellationToken).ConfigureAwait(false);
        var missing = contents.Where(content => !places[content.Hash].IsStored).ToList();
        if (missing.Count > 0)
        {
            await System.Threading.Tasks.Parallel.ForEachAsync(
                missing,
                new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken },
                async (content, cancellation) => await Store.WriteAsync(places[content.Hash].Name, content.Content, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
            await ledger.SetStoredAsync([.. missing.Select(content => places[content.Hash].Name)], cancellationToken).ConfigureAwait(false);
        }

        return places.ToDictionary(place => place.Key, place => place.Value.Name);
    }

    /// <summary>Reads all contents that payloads have elsewhere.</summary>
    /// <returns>What gives them to <see cref="SpanPayload.Decode"/>.</returns>
    public async Task<Func<string, BlobContent>> ReadAllAsync(IEnumerable<(int Codec, byte[] Payload)> payloads, CancellationToken cancellationToken)
    {
        var names = payloads.Where(payload => payload.Codec == PayloadFrame.InBlobs).SelectMany(payload => PayloadManifest.NamesIn(payload.Payload)).Distinct().ToList();
        if (names.Count == 0)
        {
            return Read;
        }

        var contents = new System.Collections.Concurrent.ConcurrentDictionary<string, BlobContent>();
        await System.Threading.Tasks.Parallel.ForEachAsync(
            names,
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken },
            async (name, cancellation) => contents[name] = await ReadAsync(name, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        return name => contents.GetValueOrDefault(name) ?? Read(name);
    }

    /// <summary>Reads a content on the calling thread, as searches do.</summary>
    public BlobContent Read(string name) => ReadAsync(name, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>Reads a content for something that is kept, and that must not be made without what can be had later.</summary>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: the store cannot be reached now.</exception>
    public BlobContent ReadSurely(string name) =>
        Read(name) is var content && !content.IsUnreachable ? content : throw new MlflowException(ErrorCode.TEMPORARILY_UNAVAILABLE, $"{content.Fault}.");

    public Task<BlobContent> ReadAsync(string name, CancellationToken cancellationToken) => _store is null
        ? Task.FromResult(new BlobContent(null, "nobody has said where the blob store is"))
        : BlobContent.ReadAsync(_store, name, cancellationToken);
}
