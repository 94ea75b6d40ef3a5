namespace MLflow;

/// <summary>One enumeration of a <see cref="TracedAsyncSequence{T}"/>, or what a method with an enumerator as its result gave.</summary>
internal sealed class TracedAsyncEnumerator<T> : IAsyncEnumerator<T>, ITracedSequence
{
    private readonly IAsyncEnumerator<T> _source;
    private readonly TracedIteration _iteration;

    public TracedAsyncEnumerator(IAsyncEnumerator<T> source, TracedIteration iteration)
    {
        _source = source;
        _iteration = iteration;
    }

    public T Current => _source.Current;

    public Func<object, object?>? Reducer
    {
        get => _iteration.Reducer;
        set => _iteration.Reducer = value;
    }

    // What an async method changes in AsyncLocals is undone when it returns: the caller's current span needs no restoring.
    public async ValueTask<bool> MoveNextAsync()
    {
        var outside = _iteration.Enter();
        try
        {
            var next = _source.MoveNextAsync();
            _iteration.Leave(outside);
            if (await next.ConfigureAwait(false))
            {
                _iteration.Add(_source.Current);
                return true;
            }
        }
        catch (Exception e)
        {
            // Not a filter: those run before the finally blocks of the iterator's own code, whose spans belong to it.
            _iteration.Fail(e);
            throw;
        }

        _iteration.End(StreamEnds.Completed);
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_iteration.HasBegun)
        {
            await _source.DisposeAsync().ConfigureAwait(false);
            return;
        }

        var outside = _iteration.Enter();
        try
        {
            var disposed = _source.DisposeAsync();
            _iteration.Leave(outside);
            await disposed.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _iteration.Fail(e);
            throw;
        }

        _iteration.End(StreamEnds.Abandoned);
    }
}
