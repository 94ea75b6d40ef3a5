using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace MLflow;

/// <summary>
/// Lets a form pass piece by piece and leaves out most of its files, so that its text fields are kept wherever they stand. What is left is a form again;
/// size and hash of each file are counted while it passes, the hash up to a limit: it is the thread that sends which pays for it.
/// </summary>
internal sealed class MultipartFilter : IBodyFilter
{
    /// <summary>Most bytes of the files of one form that are hashed, together. What can be recorded or drawn for a model is smaller; data sets and parts of uploads are not.</summary>
    public const int MaxHashedBytes = 32 << 20;

    private const int MaxHeadBytes = 16 << 10;

    private readonly byte[] _delimiter;
    private readonly int _maxFileBytes;
    private readonly ArrayBufferWriter<byte> _kept = new();
    private readonly List<FilePart> _files = [];

    // The first delimiter has no line break before it.
    private byte[] _held = "\r\n"u8.ToArray();
    private bool _isInHead;
    private bool _isOver;
    private IncrementalHash? _hash;
    private bool _isInFile;
    private long _fileBytes;
    private long _hashedBytes;

    /// <param name="boundary">The boundary between the parts.</param>
    /// <param name="maxFileBytes">Most bytes of one file that are kept.</param>
    public MultipartFilter(string boundary, int maxFileBytes)
    {
        _delimiter = Encoding.UTF8.GetBytes("\r\n--" + boundary);
        _maxFileBytes = maxFileBytes;
    }

    public IReadOnlyList<FilePart> Files => _files;

    public ReadOnlySpan<byte> Pass(ReadOnlySpan<byte> bytes)
    {
        _kept.ResetWrittenCount();
        if (_isOver)
        {
            return bytes;
        }

        var length = _held.Length + bytes.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            _held.CopyTo(buffer, 0);
            bytes.CopyTo(buffer.AsSpan(_held.Length));
            var rest = (ReadOnlySpan<byte>)buffer.AsSpan(0, length);
            while (!_isOver && (_isInHead ? PassHead(ref rest) : PassBody(ref rest)))
            {
            }

            if (_isOver)
            {
                _kept.Write(rest);
                rest = default;
            }

            _held = rest.ToArray();
            return _kept.WrittenSpan;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A form that is cut is recorded without what may be the beginning of a delimiter.</summary>
    public ReadOnlySpan<byte> End() => default;

    private bool PassHead(ref ReadOnlySpan<byte> rest)
    {
        if (rest.StartsWith("--"u8))
        {
            _isOver = true;
            return false;
        }

        var end = rest.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            // No form that we understand: the rest is kept as it is.
            _isOver = rest.Length > MaxHeadBytes;
            return false;
        }

        if (MultipartText.IsFile(Encoding.UTF8.GetString(rest[..end])))
        {
            _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            _isInFile = true;
            _fileBytes = 0;
        }

        _kept.Write(rest[..(end + 4)]);
        rest = rest[(end + 4)..];
        _isInHead = false;
        return true;
    }

    private bool PassBody(ref ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf(_delimiter);
        if (end < 0)
        {
            var sure = Math.Max(0, rest.Length - _delimiter.Length + 1);
            Keep(rest[..sure]);
            rest = rest[sure..];
            return false;
        }

        Keep(rest[..end]);
        if (_isInFile)
        {
            _files.Add(new FilePart(_fileBytes, _hash is null ? null : Convert.ToHexStringLower(_hash.GetHashAndReset())));
            DropHash();
            _isInFile = false;
        }

        _kept.Write(_delimiter);
        rest = rest[(end + _delimiter.Length)..];
        _isInHead = true;
        return true;
    }

    private void Keep(ReadOnlySpan<byte> body)
    {
        if (!_isInFile)
        {
            _kept.Write(body);
            return;
        }

        if (_hash is not null)
        {
            _hashedBytes += body.Length;
            if (_hashedBytes > MaxHashedBytes)
            {
                DropHash();
            }
            else
            {
                _hash.AppendData(body);
            }
        }

        var room = (int)Math.Clamp(_maxFileBytes - _fileBytes, 0, body.Length);
        _kept.Write(body[..room]);
        _fileBytes += body.Length;
    }

    private void DropHash()
    {
        _hash?.Dispose();
        _hash = null;
    }
}
