namespace MLflow;

/// <summary>One call of a client: its span, from the call to the last of its answer.</summary>
internal sealed class ModelCall
{
    private readonly Tracer _tracer;
    private readonly CallScope _scope;
    private readonly bool _isOwner;
    private int _hasEnded;

    private ModelCall(Tracer tracer, CallScope scope, bool isOwner)
    {
        _tracer = tracer;
        _scope = scope;
        _isOwner = isOwner;
        StartTimestamp = tracer.TimeProvider.GetTimestamp();
    }

    public long StartTimestamp { get; }

    /// <summary>True when several calls turned out to be below this one.</summary>
    public bool IsChain => _scope.IsChain;

    /// <summary>Starts a call. Where a span further out already stands for it, there is no second one, and what is known is recorded in that.</summary>
    public static ModelCall Start(Tracer tracer, string operation, string spanType, string? model, string? provider)
    {
        var parent = tracer.Current;
        if (parent?.Call is { IsWaiting: true } outer)
        {
            return new ModelCall(tracer, outer, isOwner: false);
        }

        var span = tracer.StartDetached(model is null ? operation : $"{operation} {model}", spanType, parent);
        Fact.Text(span, AttributeNames.Provider, provider);
        Fact.Text(span, AttributeNames.Model, model);
        return new ModelCall(tracer, new CallScope(span), isOwner: true);
    }

    /// <summary>Makes the span the current one of this flow. The caller is an async method or iterator, which undoes it for its own caller.</summary>
    public void Enter()
    {
        if (_isOwner)
        {
            _tracer.Enter(_scope.Span);
        }
    }

    /// <summary>The time now.</summary>
    public long Now() => _tracer.TimeProvider.GetTimestamp();

    /// <summary>An exception filter: notes the exception where it passes and never catches it.</summary>
    public bool Fail(Exception exception, Action<LiveSpan> record)
    {
        End(exception, record);
        return false;
    }

    /// <summary>The call is over. Only the first call counts; it does not throw.</summary>
    /// <param name="exception">What the program sees instead of a result.</param>
    /// <param name="record">Records inputs and outputs. Not called where the HTTP layer has the call, which knows more.</param>
    public void End(Exception? exception, Action<LiveSpan> record)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) != 0)
        {
            return;
        }

        var span = _scope.Span;
        try
        {
            if (_isOwner ? _scope.End(exception) : _scope.HasCall)
            {
                return;
            }

            if (!span.HasEnded)
            {
                record(span);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            span.SetAttribute(AttributeNames.CaptureNote, AttributeValue.FromString("The call could not be recorded: " + e.Message));
        }

        if (_isOwner)
        {
            if (exception is not null)
            {
                span.RecordException(exception);
            }

            span.End();
        }
    }
}
