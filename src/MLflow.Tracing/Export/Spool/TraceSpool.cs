using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MLflow;

/// <summary>
/// A folder in which exports wait whose server is away, until it is back or another process of the same user sends them. An export is sent to the server
/// and experiment that it was made for, never elsewhere. What it holds are prompts: nobody but the user may read it.
/// </summary>
/// <remarks>Safe for concurrent use. It does not throw. Its lock is held while files are read and written: never ask it on a thread of the program.</remarks>
internal sealed class TraceSpool : IDisposable
{
    /// <summary>Ends the names of its files.</summary>
    public const string Extension = ".spool";

    /// <summary>Bytes that all files of the folder may take together, unless the program says otherwise.</summary>
    public const long DefaultMaxBytes = 256L << 20;

    /// <summary>What has waited longer is given up, once it was tried.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromDays(7);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly long _maxBytes;
    private readonly SelfLog _log;
    private readonly TimeProvider _timeProvider;
    private readonly Func<Uri, string> _targetOf;
    private readonly ExportMemory _memory;
    private readonly Lock _lock = new();

    // Under the lock. Bounded by the bytes of the folder.
    private readonly List<SpoolSegment> _segments = [];
    private readonly Dictionary<Uri, SpoolSegment> _open = [];
    private readonly HashSet<Uri> _adopted = [];
    private long _pausedAt;
    private bool _isPaused;
    private int _files;

    /// <param name="folder">The folder, which need not exist.</param>
    /// <param name="maxBytes">Bytes that all of its files may take.</param>
    /// <param name="memory">Keeps what is read.</param>
    /// <param name="log">Takes troubles.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="targetOf">How a server is known in files; null for <see cref="TargetOf"/>.</param>
    public TraceSpool(string folder, long maxBytes, ExportMemory memory, SelfLog log, TimeProvider timeProvider, Func<Uri, string>? targetOf = null)
    {
        _folder = folder;
        _maxBytes = maxBytes;
        _memory = memory;
        _log = log;
        _timeProvider = timeProvider;
        _targetOf = targetOf ?? TargetOf;
    }

    public string Folder => _folder;

    /// <summary>False for a while after the folder could not be written to or was full.</summary>
    public bool TakesMore => !_isPaused || _timeProvider.GetElapsedTime(_pausedAt) > Pause;

    /// <summary>Something waits for this server that is not being sent.</summary>
    /// <param name="address">The server.</param>
    /// <param name="held">Destinations for which it does not count.</param>
    public bool HasUnread(Uri address, IReadOnlySet<TraceDestination> held)
    {
        lock (_lock)
        {
            var target = _targetOf(address);
            return _segments.Exists(s => s.Target == target && s.HasUnread(held));
        }
    }

    /// <summary>Something waits for this server or is being sent.</summary>
    /// <param name="address">The server.</param>
    /// <param name="ownOnly">What other processes have left does not count.</param>
    public bool HasAny(Uri address, bool ownOnly)
    {
        lock (_lock)
        {
            var target = _targetOf(address);
            return _segments.Exists(s => (s.IsOwn || !ownOnly) && !s.IsDone && s.Target == target);
        }
    }

    /// <summary>Writes to the disk as many exports as there is room for. Of a trace of which one does not fit, none behind it is written.</summary>
    /// <param name="destination">Where they go.</param>
    /// <param name="exports">Exports that are encoded.</param>
    /// <param name="counts">Of each, whether it stands for its trace in the counters.</param>
    /// <returns>Of each, whether it is on the disk.</returns>
    public bool[] Write(TraceDestination destination, IReadOnlyList<QueuedExport> exports, ReadOnlySpan<bool> counts)
    {
        var areWritten = new bool[exports.Count];
        lock (_lock)
        {
            if (TakesMore)
            {
                WriteLocked(destination, exports, counts, areWritten);
            }
        }

        return areWritten;
    }

    /// <summary>Whatever was refused a moment ago: it is tried again.</summary>
    public void TryAgain()
    {
        lock (_lock)
        {
            _isPaused = false;
        }
    }

    private void WriteLocked(TraceDestination destination, IReadOnlyList<QueuedExport> exports, ReadOnlySpan<bool> counts, bool[] areWritten)
    {
        try
        {
            using var records = new ProtobufWriter();
            var write = new SpoolWrite(exports, counts.ToArray(), areWritten);
            for (var i = 0; i < exports.Count; i++)
            {
                SpoolFormat.Write(records, destination, exports[i].Encoded!, exports[i].SpanCount, exports[i].IsComplete, counts[i]);
                write.Ends[i] = records.Position;
            }

            WritePart(write, destination.TrackingUri, records.Written.Span, 0, exports.Count);
            _isPaused = false;
            if (write.Refusal is { } refusal)
            {
                DoPause(refusal);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            DoPause(Describe(e));
        }
    }

    /// <summary>Halves what does not fit until a part of it does.</summary>
    private void WritePart(SpoolWrite write, Uri address, ReadOnlySpan<byte> records, int from, int to)
    {
        var part = records[(from == 0 ? 0 : write.Ends[from - 1])..write.Ends[to - 1]];
        if (part.Length < write.Refused && !write.HasRefusedTrace(from, to))
        {
            try
            {
                if (Open(address, part.Length) is { } segment)
                {
                    segment.Append(part);
                    segment.Traces += write.Take(from, to);
                    return;
                }

                write.Refusal = $"The spool {_folder} is full ({_maxBytes >> 20} MiB): traces wait in memory, and are dropped when that is full too.";
            }
            catch (IOException e)
            {
                write.Refusal = Describe(e);
            }

            write.Refused = part.Length;
        }

        if (to - from == 1)
        {
            write.Refuse(from);
            return;
        }

        var middle = from + ((to - from) / 2);
        WritePart(write, address, records, from, middle);
        WritePart(write, address, records, middle, to);
    }

    private string Describe(Exception e) => $"Traces cannot be put into the spool {_folder}: {e.Message}. They wait in memory, and are dropped when that is full.";

    /// <summary>Reads what waits for a server, in the order in which it was written.</summary>
    /// <param name="address">The server.</param>
    /// <param name="maxBytes">When so much was read it is enough.</param>
    /// <param name="held">Destinations whose records stay where they are.</param>
    public List<SpoolRecord> Read(Uri address, long maxBytes, IReadOnlySet<TraceDestination> held)
    {
        lock (_lock)
        {
            return ReadLocked(address, maxBytes, held);
        }
    }

    private List<SpoolRecord> ReadLocked(Uri address, long maxBytes, IReadOnlySet<TraceDestination> held)
    {
        var records = new List<SpoolRecord>();
        var target = _targetOf(address);
        foreach (var segment in _segments.FindAll(s => s.Target == target))
        {
            try
            {
                while (maxBytes > 0 && segment.Read(_memory, address, held) is { } record)
                {
                    maxBytes -= record.Encoded.Size;
                    records.Add(record);
                }

                if (segment.Unreadable > 0)
                {
                    _log.Warn("spool-cut", $"{segment.Unreadable} bytes at the end of {segment.Path} are no whole traces, as when a process dies while it writes; the rest was read.");
                }

                Tidy(segment);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                _log.Warn("spool-read", $"The spool file {segment.Path} cannot be read: {e.Message}.");
                Forget(segment);
            }
        }

        return records;
    }

    /// <summary>The record was sent or given up.</summary>
    public void Settle(SpoolRecord record)
    {
        lock (_lock)
        {
            record.Segment.Settle(record);
            Tidy(record.Segment);
        }
    }

    /// <summary>The record could not be sent now and is read again later.</summary>
    public void PutBack(SpoolRecord record)
    {
        lock (_lock)
        {
            record.Segment.PutBack(record);
        }
    }

    /// <summary>The record was sent in vain.</summary>
    public void Tried(SpoolRecord record)
    {
        lock (_lock)
        {
            record.Segment.WasTried = true;
        }
    }

    /// <summary>Takes over, once, what other processes have left for a server.</summary>
    public void Adopt(Uri address)
    {
        lock (_lock)
        {
            AdoptLocked(address);
        }
    }

    private void AdoptLocked(Uri address)
    {
        if (!_adopted.Add(address) || !Directory.Exists(_folder))
        {
            return;
        }

        try
        {
            foreach (var path in Directory.EnumerateFiles(_folder, Prefix(_targetOf(address)) + "-*" + Extension).Order(StringComparer.Ordinal))
            {
                if (!_segments.Exists(s => s.Path == path) && SpoolSegment.TryOpen(path, CreatedAt(path), _timeProvider.GetTimestamp()) is { } segment)
                {
                    _segments.Add(segment);
                    Tidy(segment);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.Warn("spool-read", $"The spool {_folder} cannot be read: {e.Message}.");
        }
    }

    /// <summary>Gives up what is too old.</summary>
    /// <returns>Traces of this process among it.</returns>
    public int Expire()
    {
        lock (_lock)
        {
            return ExpireLocked(_timeProvider.GetUtcNow());
        }
    }

    private int ExpireLocked(DateTimeOffset now)
    {
        var traces = 0;
        foreach (var segment in _segments.FindAll(s => !s.IsUnderway && IsTooOld(s, now)))
        {
            traces += segment.Traces;
            _log.Warn("spool-old", $"{segment.Path} was not sent for {MaxAge.TotalDays:0} days and is deleted.");
            segment.Delete();
            Forget(segment);
        }

        return traces;
    }

    /// <summary>
    /// A clock may be set, or wrong when the machine starts: nothing is given up for what it says alone. Of the days since this process has the file its timestamps know;
    /// those before count only once something of it was sent in vain.
    /// </summary>
    private bool IsTooOld(SpoolSegment segment, DateTimeOffset now) =>
        _timeProvider.GetElapsedTime(segment.Since) > MaxAge || (!segment.IsOwn && segment.WasTried && now - segment.Created > MaxAge);

    /// <summary>Lets go of the files; what is in them waits for the next start.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _segments.ForEach(segment => segment.Dispose());
            _segments.Clear();
            _open.Clear();
        }
    }

    /// <summary>
    /// A server as it stands in files: its address without credentials. Of one that this process has started for a database it is the database: the address is another
    /// in each process.
    /// </summary>
    public static string TargetOf(Uri address) => EmbeddedStore.At(address) ?? TrackingSettings.TextOf(address);

    /// <summary>Of a file's name: so that a start opens only files of its own server.</summary>
    private static string Prefix(string target) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(target)))[..16];

    private static DateTimeOffset CreatedAt(string path) =>
        Path.GetFileNameWithoutExtension(path).Split('-') is [_, var time, ..] && long.TryParse(time, CultureInfo.InvariantCulture, out var ms) && ms is > 0 and < 4_102_444_800_000
            ? DateTimeOffset.FromUnixTimeMilliseconds(ms)
            : File.GetLastWriteTimeUtc(path);

    private SpoolSegment? Open(Uri address, int bytes)
    {
        if (_open.TryGetValue(address, out var open) && open.Length + bytes <= SpoolSegment.MaxBytes && File.Exists(open.Path))
        {
            return HasRoom(bytes) ? open : null;
        }

        CreateFolder();
        if (!HasRoom(bytes))
        {
            return null;
        }

        var now = _timeProvider.GetUtcNow();
        var target = _targetOf(address);
        var name = string.Create(
            CultureInfo.InvariantCulture,
            $"{Prefix(target)}-{now.ToUnixTimeMilliseconds():D13}-{Environment.ProcessId}-{Interlocked.Increment(ref _files):D4}-{Random.Shared.Next(0x10000):x4}{Extension}");
        var segment = SpoolSegment.Create(Path.Combine(_folder, name), target, now, _timeProvider.GetTimestamp());
        _open[address] = segment;
        _segments.Add(segment);
        return segment;
    }

    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows())
        {
            // In the user's profile, which others cannot read.
            Directory.CreateDirectory(_folder);
            return;
        }

        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(_folder, ownerOnly);
        if (File.GetUnixFileMode(_folder) != ownerOnly)
        {
            // Fails where the folder is somebody else's.
            File.SetUnixFileMode(_folder, ownerOnly);
        }
    }

    private bool HasRoom(int bytes)
    {
        if (Size() + bytes <= _maxBytes)
        {
            return true;
        }

        RemoveOutdated();
        return Size() + bytes <= _maxBytes;
    }

    /// <summary>
    /// What waits too long for servers that this process does not know gives way. Not before its room is needed: the clock may be wrong, and it was not tried here.
    /// </summary>
    private void RemoveOutdated()
    {
        var now = _timeProvider.GetUtcNow();
        foreach (var path in Directory.EnumerateFiles(_folder, "*" + Extension).Where(path => !_segments.Exists(s => s.Path == path)).ToList())
        {
            if (now - CreatedAt(path) > MaxAge && now - File.GetLastWriteTimeUtc(path) > MaxAge && SpoolSegment.TryOpen(path, now, 0) is { } segment)
            {
                _log.Warn("spool-old", $"{path} was not sent for {MaxAge.TotalDays:0} days and is deleted, because the spool is full.");
                segment.Delete();
            }
        }
    }

    private long Size() => new DirectoryInfo(_folder).EnumerateFiles("*" + Extension).Sum(file => file.Length);

    private void Tidy(SpoolSegment segment)
    {
        if (segment.IsDone && segment.Length > 0)
        {
            segment.Delete();
            Forget(segment);
        }
    }

    private void Forget(SpoolSegment segment)
    {
        _segments.Remove(segment);
        segment.Dispose();
        foreach (var (address, open) in _open.ToList())
        {
            if (ReferenceEquals(open, segment))
            {
                _open.Remove(address);
            }
        }
    }

    private void DoPause(string message)
    {
        _isPaused = true;
        _pausedAt = _timeProvider.GetTimestamp();
        _log.Warn("spool-write", message);
    }
}
