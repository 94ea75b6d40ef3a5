namespace MLflow.Cli.Traces.Parquet;

/// <summary>Throws at an end. Parquet.Net takes that of a file for bytes of 255, and goes on behind that of a column, where a damaged page leads it there.</summary>
internal sealed class EndingStream(Stream file) : Stream
{
    /// <summary>Behind the last byte that may be read.</summary>
    public long End { get; set; } = file.Length;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => file.Length;

    public override long Position
    {
        get => file.Position;
        set => file.Position = value;
    }

    public override int ReadByte() => file.Position < End && file.ReadByte() is >= 0 and var value ? value : throw new EndOfStreamException();

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => Some(file.Read(buffer[..Left(buffer.Length)]), buffer.Length);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Some(await file.ReadAsync(buffer[..Left(buffer.Length)], cancellationToken), buffer.Length);

    public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int Left(int wanted) => (int)Math.Clamp(End - file.Position, 0, wanted);

    private static int Some(int read, int wanted) => read > 0 || wanted == 0 ? read : throw new EndOfStreamException();
}
