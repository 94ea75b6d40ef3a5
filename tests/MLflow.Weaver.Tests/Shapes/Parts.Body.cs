namespace MLflow.Weaver.Tests.Shapes;

internal static partial class Parts
{
    public static partial int Length(string text) => text.Length;
}
