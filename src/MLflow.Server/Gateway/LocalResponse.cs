using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace MLflow.Server.Gateway;

/// <summary>The answer to a <see cref="LocalCall"/>, while it is written: as the web server has one, but that its reader is in this process.</summary>
internal sealed class LocalResponse : IHttpResponseFeature, IHttpResponseBodyFeature
{
    private readonly Pipe _pipe = new();
    private readonly Stack<(Func<object, Task> Callback, object State)> _starting = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LocalResponse()
    {
        Stream = new StartingStream(this, _pipe.Writer.AsStream());
        Writer = PipeWriter.Create(Stream);
    }

    public int StatusCode { get; set; } = StatusCodes.Status200OK;

    public string? ReasonPhrase { get; set; }

    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

    public bool HasStarted { get; private set; }

    /// <summary>Of the interface; the body is <see cref="Stream"/>.</summary>
    Stream IHttpResponseFeature.Body
    {
        get => Stream;
        set => throw new NotSupportedException();
    }

    public Stream Stream { get; }

    public PipeWriter Writer { get; }

    /// <summary>What is written. It ends alike where it broke off: a pipe that is completed with an exception throws it before what is still to be read.</summary>
    public PipeReader Reader => _pipe.Reader;

    /// <summary>Why it broke off; null where it did not, and before its end.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Status and headers are there.</summary>
    public Task Started => _started.Task;

    public void OnStarting(Func<object, Task> callback, object state) => _starting.Push((callback, state));

    public void OnCompleted(Func<object, Task> callback, object state)
    {
        // Nothing that the gateway calls asks for it.
    }

    public void DisableBuffering()
    {
        // There is no buffer.
    }

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (HasStarted)
        {
            return;
        }

        HasStarted = true;
        while (_starting.TryPop(out var starting))
        {
            await starting.Callback(starting.State).ConfigureAwait(false);
        }

        _started.TrySetResult();
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task CompleteAsync() => EndAsync(null);

    /// <summary>The answer is over, or broke off.</summary>
    public async Task EndAsync(Exception? failure)
    {
        if (failure is null)
        {
            await StartAsync().ConfigureAwait(false);
        }
        else
        {
            _started.TrySetResult();
        }

        Failure ??= failure;
        await _pipe.Writer.CompleteAsync().ConfigureAwait(false);
    }

    // The first byte sends the headers, as everywhere.
    private sealed class StartingStream(LocalResponse response, Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await response.StartAsync(cancellationToken).ConfigureAwait(false);
            await inner.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            await inner.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async Task FlushAsync(CancellationToken cancellationToken)
        {
            await response.StartAsync(cancellationToken).ConfigureAwait(false);
            await inner.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        public override void Flush() => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
