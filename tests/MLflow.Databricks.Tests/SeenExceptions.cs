using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace MLflow.Tests.Databricks;

/// <summary>The texts of all exceptions of this process, caught ones too: none may hold a credential.</summary>
internal static class SeenExceptions
{
    private static readonly ConcurrentQueue<string> Texts = new();

    public static int Count => Texts.Count;

    public static IEnumerable<string> Since(int count) => Texts.Skip(count);

    [ModuleInitializer]
    internal static void Watch() => AppDomain.CurrentDomain.FirstChanceException += (_, e) =>
    {
        // A test that fails may show what it compares.
        if (e.Exception is not Xunit.Sdk.IAssertionException)
        {
            Texts.Enqueue(e.Exception.Message);
        }
    };
}
