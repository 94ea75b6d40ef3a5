using System.Runtime.CompilerServices;
using MLflow.Weaver.Tests.Shapes;
using Xunit;

namespace MLflow.Weaver.Tests;

public sealed class TaskTests : TracedTestBase
{
    private readonly TaskCompletionSource _gate = new();

    [Fact]
    public async Task Async_Awaited_EndsWithItsTaskAndBeforeTheCallerGoesOn()
    {
        var task = Tasks.PlainAsync(_gate.Task);
        Assert.Empty(Exporter.Spans);
        Assert.Null(Tracer.Current);

        _gate.SetResult();
        await task;

        Assert.Equal("PlainAsync[InnerAsync]", Tree());
        Assert.Null(Outputs(Span("PlainAsync")));
        Assert.Equal("\"AFTER\"", Outputs(Span("InnerAsync")));
    }

    [Fact]
    public void Task_AlreadyCompleted_IsTheSameTask()
    {
        Assert.True(Tasks.NotAsync(4).IsCompletedSuccessfully);
        Assert.Equal("4", Outputs(Span()));
    }

    [Fact]
    public void Task_Null_StaysNull()
    {
        Assert.Null(Tasks.NoTask());
        Assert.Equal("NoTask", Tree());
    }

    [Fact]
    public async Task Async_Throwing_RecordsTheExceptionThatTheCallerGets()
    {
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => Tasks.FailAsync("later"));

        Assert.Equal("InvalidOperationException: later", Span().StatusMessage);
        Assert.Contains("Tasks.FailAsync", thrown.StackTrace, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Async_SeveralExceptions_KeepsThemAll()
    {
        var task = Tasks.SeveralAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => task);

        Assert.Equal(["first", "second"], task.Exception!.InnerExceptions.Select(e => e.Message));
        var span = Span("SeveralAsync");
        Assert.Equal("InvalidOperationException: first", span.StatusMessage);
        Assert.Equal(2, span.EndedEvents.Count);
    }

    [Fact]
    public async Task Async_ExceptionsThatFailThemselves_EndTheSpan()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => Tasks.SeveralAsync(new MLflow.Tests.HostileException()));

        Assert.Equal(2, Span("SeveralAsync").EndedEvents.Count);
    }

    [Fact]
    public void Task_ThatHasFailedAndIsNotAwaited_IsToldOfAsWithoutTracing()
    {
        var unobserved = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        void Unobserved(object? sender, UnobservedTaskExceptionEventArgs e) => unobserved.Enqueue(e.Exception.InnerExceptions[0]);

        TaskScheduler.UnobservedTaskException += Unobserved;
        try
        {
            Forget("nobody asked");
            var deadline = Environment.TickCount64 + 30_000;
            while (unobserved.All(e => e.Message != "nobody asked") && Environment.TickCount64 < deadline)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Unobserved;
        }

        Assert.Contains(unobserved, e => e.Message == "nobody asked");
        Assert.Equal("InvalidOperationException: nobody asked", Span().StatusMessage);

        // In a frame of its own, so that nothing keeps the task.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(string why) => Assert.True(Tasks.FailAtOnce(why).IsFaulted);
    }

    [Fact]
    public async Task Async_Cancelled_IsMarkedAsThat()
    {
        using var cancellation = new CancellationTokenSource();
        var task = Values.CancelledAsync(3, cancellation.Token);
        await cancellation.CancelAsync();
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);

        Assert.True(task.IsCanceled);
        Assert.Equal(cancellation.Token, thrown.CancellationToken);
        var span = Span();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("true", Text(span, "mlflow.cancelled"));
        Assert.Equal("""{"number":3}""", Inputs(span));
    }

    [Fact]
    public async Task ValueTask_LaterOrAtOnce_IsRecorded()
    {
        var later = Tasks.NumberAsync(7, _gate.Task);
        var plain = Tasks.ValueAsync(_gate.Task);
        Assert.Empty(Exporter.Spans);
        _gate.SetResult();
        Assert.Equal(7, await later);
        await plain;

        var atOnce = Tasks.NumberAsync(8, Task.CompletedTask);
        Assert.True(atOnce.IsCompletedSuccessfully);
        Assert.Equal(8, await atOnce);
        await Tasks.ValueAsync(Task.CompletedTask);

        Assert.Equal(["7", "8"], Exporter.Spans.Where(s => s.Name == "NumberAsync").Select(Outputs).Order());
        Assert.Equal(4, Exporter.Spans.Count);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Tasks.NumberAsync(-1, Task.CompletedTask));
        Assert.Equal(SpanStatusCode.Error, Exporter.Spans[4].StatusCode);
    }

    [Fact]
    public async Task Parallel_Calls_AllHaveTheCallerAsParent()
    {
        Assert.Equal(5, await Tasks.ParallelAsync(5));

        Assert.Equal("ParallelAsync[InnerAsync InnerAsync InnerAsync InnerAsync InnerAsync]", Tree());
        Assert.Equal(["\"N0\"", "\"N1\"", "\"N2\"", "\"N3\"", "\"N4\""], Exporter.Spans.Where(s => s.Name == "InnerAsync").Select(Outputs).Order());
    }

    [Fact]
    public async Task AsyncVoid_EndsWhenItsWorkDoes()
    {
        var done = new TaskCompletionSource();
        Tasks.Forget(_gate.Task, done);
        Assert.Null(Tracer.Current);
        Assert.Empty(Exporter.Spans);

        _gate.SetResult();
        await done.Task;
        await EndedAsync(2);

        Assert.Equal("Forget[InnerAsync]", Tree());
    }

    [Fact]
    public async Task AsyncVoid_GenericAndThrowing_RecordsTheException()
    {
        // Where an async void method throws to when it was called here.
        var context = new CatchingContext();
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            Tasks.ForgetGeneric<string?>(null, Task.CompletedTask);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        Assert.IsType<ArgumentNullException>(await context.Caught.WaitAsync(Token));
        Assert.Equal("\"ArgumentNullException\"", Text(Span(), "error.type"));
    }

    /// <summary>An async void method tells nobody that it has come to its end.</summary>
    private async Task EndedAsync(int spans)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(TimeSpan.FromSeconds(30));
        while (Exporter.Spans.Count < spans)
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class CatchingContext : SynchronizationContext
    {
        private readonly TaskCompletionSource<Exception> _caught = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Exception> Caught => _caught.Task;

        public override void Post(SendOrPostCallback d, object? state)
        {
            try
            {
                d(state);
            }
            catch (Exception e)
            {
                _caught.TrySetResult(e);
            }
        }
    }
}
