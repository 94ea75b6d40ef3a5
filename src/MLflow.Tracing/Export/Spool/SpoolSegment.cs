using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MLflow;

/// <summary>
/// A file of the spool. Who has it open, has it alone; the operating system gives it free when the process dies, and another start takes it over.
/// Used by one thread at a time.
/// </summary>
internal sealed class SpoolSegment : IDisposable
{
    /// <summary>Nothing is added to a file that has grown beyond this.</summary>
    public const int MaxBytes = 8 << 20;

    private readonly SafeFileHandle _file;
    private readonly long _start;
    private readonly HashSet<long> _settled = [];
    private readonly HashSet<long> _underway = [];

    // Where the first record of a destination lies that was left behind.
    private readonly Dictionary<TraceDestination, long> _passed = [];
    private long _read;

    private SpoolSegment(string path, SafeFileHandle file, string target, long start, DateTimeOffset created, long since, bool isOwn)
    {
        Path = path;
        _file = file;
        Target = target;
        _start = start;
        _read = start;
        Length = RandomAccess.GetLength(file);
        Created = created;
        Since = since;
        IsOwn = isOwn;
    }

    public string Path { get; }

    /// <summary>The server or database whose exports it holds, see <see cref="TraceSpool.TargetOf"/>.</summary>
    public string Target { get; }

    public long Length { get; private set; }

    public DateTimeOffset Created { get; }

    /// <summary>Since when this process has it, as a timestamp.</summary>
    public long Since { get; }

    /// <summary>This process has tried to send something of it, and could not.</summary>
    public bool WasTried { get; set; }

    /// <summary>False for what an earlier process left.</summary>
    public bool IsOwn { get; }

    /// <summary>Records in it that stand for a trace and are not settled. Known for our own files only.</summary>
    public int Traces { get; set; }

    public bool IsUnderway => _underway.Count > 0;

    public bool IsDone => _read >= Length && _passed.Count == 0 && !IsUnderway;

    /// <summary>Bytes behind the last whole record.</summary>
    public long Unreadable { get; private set; }

    /// <exception cref="IOException">The disk is full or away. No file is left.</exception>
    public static SpoolSegment Create(string path, string target, DateTimeOffset created, long since)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

#pragma warning disable CA2000 // The segment owns the handle of the stream, which has no buffer.
        var file = new FileStream(path, options).SafeFileHandle;
#pragma warning restore CA2000
        try
        {
            var head = SpoolFormat.Head(target);
            RandomAccess.Write(file, head, 0);
            return new SpoolSegment(path, file, target, head.Length, created, since, isOwn: true);
        }
        catch
        {
            // A disk that is full makes the file and takes nothing into it: each further try would leave one more.
            file.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <returns>Null when another process has it, or when it is no spool file.</returns>
    public static SpoolSegment? TryOpen(string path, DateTimeOffset created, long since)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            if (SpoolFormat.ReadHead(file) is { } head)
            {
                return new SpoolSegment(path, file, head.Target, head.Start, created, since, isOwn: false);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else has it, or has just removed it.
        }

        file?.Dispose();
        return null;
    }

    /// <summary>Adds records; all of them are on the disk, or none.</summary>
    /// <exception cref="IOException">The disk is full or away.</exception>
    public void Append(ReadOnlySpan<byte> records)
    {
        try
        {
            RandomAccess.Write(_file, records, Length);
            RandomAccess.FlushToDisk(_file);
        }
        catch
        {
            RandomAccess.SetLength(_file, Length);
            throw;
        }

        Length += records.Length;
    }

    /// <summary>Something is neither settled nor being sent, and is not for one of these.</summary>
    public bool HasUnread(IReadOnlySet<TraceDestination> held) => _read < Length || _passed.Keys.Any(destination => !held.Contains(destination));

    /// <summary>Reads the next record that is neither settled nor being sent.</summary>
    /// <param name="memory">Keeps its bytes.</param>
    /// <param name="address">Of the server as the program says it: its credentials are not in the file.</param>
    /// <param name="held">Destinations whose records are left where they are.</param>
    /// <returns>Null at the end.</returns>
    public SpoolRecord? Read(ExportMemory memory, Uri address, IReadOnlySet<TraceDestination> held)
    {
        foreach (var (destination, first) in _passed.Where(passed => !held.Contains(passed.Key)).ToList())
        {
            _passed.Remove(destination);
            _read = Math.Min(_read, first);
        }

        while (_read < Length)
        {
            var offset = _read;
            if (SpoolFormat.ReadPrefix(_file, offset, Length) is not { } prefix)
            {
                break;
            }

            var size = prefix.Head + prefix.Body;
            if (_settled.Contains(offset) || _underway.Contains(offset))
            {
                _read = offset + SpoolFormat.PrefixBytes + size;
                continue;
            }

            var rented = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                var bytes = rented.AsSpan(0, size);
                if (!SpoolFormat.ReadWhole(_file, bytes, offset + SpoolFormat.PrefixBytes) || SpoolFormat.Checksum(bytes) != prefix.Checksum)
                {
                    break;
                }

                var head = SpoolFormat.ReadRecordHead(bytes[..prefix.Head], address);
                _read = offset + SpoolFormat.PrefixBytes + size;
                if (held.Contains(head.Destination))
                {
                    _passed[head.Destination] = Math.Min(offset, _passed.GetValueOrDefault(head.Destination, offset));
                    continue;
                }

                var record = SpoolFormat.Read(this, offset, head, bytes[prefix.Head..], memory);
                _underway.Add(offset);
                return record;
            }
            catch (Exception e) when (e is InvalidDataException or OverflowException)
            {
                break;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }

        Unreadable = Length - _read;
        _read = Length;
        return null;
    }

    /// <summary>The record was sent or given up.</summary>
    public void Settle(SpoolRecord record)
    {
        _settled.Add(record.Offset);
        _underway.Remove(record.Offset);
        Traces -= record.Counts ? 1 : 0;
    }

    /// <summary>The record could not be sent now and is read again later.</summary>
    public void PutBack(SpoolRecord record)
    {
        _underway.Remove(record.Offset);
        _read = Math.Max(_start, Math.Min(_read, record.Offset));
    }

    public void Delete()
    {
        try
        {
            File.Delete(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Sent again by a later start, which changes nothing on the server.
        }

        Dispose();
    }

    public void Dispose() => _file.Dispose();
}
