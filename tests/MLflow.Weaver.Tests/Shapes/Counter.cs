namespace MLflow.Weaver.Tests.Shapes;

/// <summary>A struct whose method changes it.</summary>
internal struct Counter
{
    public int Count { get; private set; }

    [Trace]
    public int Add(int number)
    {
        Count += number;
        return Count;
    }
}
