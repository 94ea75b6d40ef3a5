namespace MLflow.Weaver.Tests.Shapes;

internal sealed class Box<T>
{
    public T? Value { get; private set; }

    [Trace]
    public T? Put(T? value)
    {
        var old = Value;
        Value = value;
        return old;
    }

    [Trace]
    public async Task<(T?, TOther)> PairAsync<TOther>(TOther other)
    {
        await Task.Yield();
        return (Value, other);
    }

    [Trace(OutputReducer = nameof(Last))]
    public IEnumerable<T?> Values(int count)
    {
        for (var i = 0; i < count; i++)
        {
            yield return Value;
        }
    }

    private static T? Last(List<T?> values) => values[^1];

    [Trace]
    public IEnumerable<(T?, TOther)> Pairs<TOther>(params TOther[] others)
    {
        foreach (var other in others)
        {
            yield return (Value, other);
        }
    }
}
