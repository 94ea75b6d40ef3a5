using System.Collections;

namespace MLflow;

/// <summary>One enumeration of a <see cref="TracedSequence{T}"/>, or what a method with an enumerator as its result gave.</summary>
internal sealed class TracedEnumerator<T> : IEnumerator<T>, ITracedSequence
{
    private readonly IEnumerable<T>? _sequence;
    private readonly TracedIteration _iteration;
    private IEnumerator<T>? _source;

    public TracedEnumerator(IEnumerable<T> sequence, TracedIteration iteration)
    {
        _sequence = sequence;
        _iteration = iteration;
    }

    public TracedEnumerator(IEnumerator<T> source, TracedIteration iteration)
    {
        _source = source;
        _iteration = iteration;
    }

    public T Current => _source is null ? default! : _source.Current;

    public Func<object, object?>? Reducer
    {
        get => _iteration.Reducer;
        set => _iteration.Reducer = value;
    }

    object? IEnumerator.Current => Current;

    public bool MoveNext()
    {
        var outside = _iteration.Enter();
        try
        {
            _source ??= _sequence!.GetEnumerator();
            if (_source.MoveNext())
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
        finally
        {
            _iteration.Leave(outside);
        }

        _iteration.End(StreamEnds.Completed);
        return false;
    }

    public void Reset()
    {
        _source ??= _sequence!.GetEnumerator();
        _source.Reset();
    }

    public void Dispose()
    {
        if (_source is null || !_iteration.HasBegun)
        {
            _source?.Dispose();
            _iteration.End(StreamEnds.Unread);
            return;
        }

        // The iterator's finally blocks belong to it too.
        var outside = _iteration.Enter();
        try
        {
            _source.Dispose();
        }
        catch (Exception e)
        {
            _iteration.Fail(e);
            throw;
        }
        finally
        {
            _iteration.Leave(outside);
        }

        _iteration.End(StreamEnds.Abandoned);
    }
}
