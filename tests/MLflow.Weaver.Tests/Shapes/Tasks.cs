namespace MLflow.Weaver.Tests.Shapes;

/// <summary>Methods whose work goes on after they have returned.</summary>
internal static class Tasks
{
    [Trace]
    public static async Task PlainAsync(Task until)
    {
        await until;
        await InnerAsync("after");
    }

    [Trace(SpanType.Tool)]
    public static async Task<string> InnerAsync(string text)
    {
        await Task.Yield();
        return text.ToUpperInvariant();
    }

    [Trace]
    public static Task<int> NotAsync(int number) => Task.FromResult(number);

    [Trace]
    public static Task<int>? NoTask() => null;

    [Trace]
    public static Task SeveralAsync(Exception? second = null) => Task.WhenAll(Task.FromException(new InvalidOperationException("first")), second is null ? FailAsync("second") : Task.FromException(second));

    [Trace]
    public static Task<int> FailAtOnce(string why) => Task.FromException<int>(new InvalidOperationException(why));

    [Trace]
    public static async Task<int> FailAsync(string why)
    {
        await Task.Yield();
        throw new InvalidOperationException(why);
    }

    [Trace]
    public static async ValueTask ValueAsync(Task until) => await until;

    [Trace]
    public static async ValueTask<int> NumberAsync(int number, Task until)
    {
        await until;
        return number < 0 ? throw new ArgumentOutOfRangeException(nameof(number)) : number;
    }

    [Trace]
    public static async Task<int> ParallelAsync(int count)
    {
        var lengths = await Task.WhenAll(Enumerable.Range(0, count).Select(i => InnerAsync("n" + i)));
        return lengths.Length;
    }

    [Trace]
    public static async void Forget(Task until, TaskCompletionSource done)
    {
        try
        {
            await until;
            await InnerAsync("void");
        }
        finally
        {
            done.SetResult();
        }
    }

    [Trace]
    public static async void ForgetGeneric<T>(T value, Task until)
    {
        await until;
        if (value is null)
        {
            throw new ArgumentNullException(nameof(value));
        }
    }
}
