namespace MLflow.Weaver.Tests.Shapes;

internal static partial class Parts
{
    [Trace(SpanType.Parser)]
    public static partial int Length(string text);
}
