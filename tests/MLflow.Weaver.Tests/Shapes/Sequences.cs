using System.Collections;
using System.Runtime.CompilerServices;

namespace MLflow.Weaver.Tests.Shapes;

/// <summary>Methods that give their results one by one.</summary>
internal static class Sequences
{
    [Trace]
    public static IEnumerable<int> Count(int to, Action? last = null)
    {
        try
        {
            for (var i = 1; i <= to; i++)
            {
                yield return Calls.Nested.Deep(i) / 2;
            }
        }
        finally
        {
            last?.Invoke();
        }
    }

    [Trace]
    public static IEnumerable<int> Fail(int after)
    {
        for (var i = 0; i < after; i++)
        {
            yield return i;
        }

        throw new InvalidOperationException("enough");
    }

    [Trace]
    public static IEnumerable<int> FailBelow()
    {
        yield return 1;
        CleanUp();
    }

    [Trace]
    public static async IAsyncEnumerable<int> FailBelowAsync()
    {
        yield return 1;
        await Task.Yield();
        CleanUp();
    }

    private static void CleanUp()
    {
        try
        {
            throw new InvalidOperationException("enough");
        }
        finally
        {
            TracedTestBase.Start("cleanup").Dispose();
        }
    }

    [Trace]
    public static IEnumerable Untyped()
    {
        yield return 1;
        yield return "two";
    }

    [Trace]
    public static IEnumerator<int> Enumerator()
    {
        yield return 7;
    }

    [Trace]
    public static IEnumerable<int> Nesting()
    {
        using var inner = TracedTestBase.Start("inner");
        yield return Calls.Nested.Deep(1);
        yield return Calls.Nested.Deep(2);
    }

    [Trace]
    public static IEnumerable<string> List(string first) => new List<string> { first, "b" };

    [Trace]
    public static IEnumerable<string> Query(string first) => new[] { first, "b" }.Select(text => text.Shout());

    [Trace]
    public static async IAsyncEnumerable<string> StreamAsync(string text, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var word in text.Split(' '))
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            yield return await Tasks.InnerAsync(word);
        }
    }

    private static string Join(IEnumerable<string> words) => string.Concat(words);

    private static int Total(IReadOnlyList<int> numbers) => numbers.Count > 3 ? throw new InvalidOperationException("too many") : numbers.Sum();

    [Trace(CaptureOutput = false)]
    public static async IAsyncEnumerable<string> SecretStreamAsync()
    {
        await Task.Yield();
        yield return "secret";
    }

    [Trace(OutputReducer = nameof(Join))]
    public static async IAsyncEnumerable<string> JoinedAsync(string text)
    {
        foreach (var word in text.Split(' '))
        {
            await Task.Yield();
            yield return word;
        }
    }

    [Trace(OutputReducer = nameof(Total))]
    public static IEnumerable<int> Summed(int to)
    {
        for (var i = 0; i <= to; i++)
        {
            yield return i;
        }
    }

    public static IEnumerable<int> Twice()
    {
        yield return 1;
        yield return 2;
    }

    [Trace]
    public static IAsyncEnumerable<string> Forward(string text) => StreamAsync(text);
}
