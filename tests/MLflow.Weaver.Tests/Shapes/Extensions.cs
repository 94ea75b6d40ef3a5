namespace MLflow.Weaver.Tests.Shapes;

internal static class Extensions
{
    [Trace]
    public static string Shout(this string text) => text.ToUpperInvariant() + "!";
}
