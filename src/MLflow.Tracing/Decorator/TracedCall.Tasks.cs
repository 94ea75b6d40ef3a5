namespace MLflow;

public static partial class TracedCall
{
    /// <summary>The method has returned its task, whose end is that of the call. The caller goes on after the span has ended.</summary>
    public static Task? EndTask(Task? task, LiveSpan span, TracedMethod method)
    {
        span.Leave();
        if (task is null or { IsCompletedSuccessfully: true })
        {
            EndOf(task, span);
            return task;
        }

        // Also in place of one that has failed: we ask it for its exception, and the runtime would no longer tell of one that the program never asks for.
        var ended = new TaskCompletionSource();
        if (task.IsCompleted)
        {
            EndOf(task, span);
            ended.SetFromTask(task);
            return ended.Task;
        }

        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() =>
        {
            EndOf(task, span);
            ended.SetFromTask(task);
        });
        return ended.Task;
    }

    /// <inheritdoc cref="EndTask(Task, LiveSpan, TracedMethod)"/>
    public static Task<T>? EndTask<T>(Task<T>? task, LiveSpan span, TracedMethod method)
    {
        span.Leave();
        if (task is null or { IsCompletedSuccessfully: true })
        {
            EndOf(task, span, method);
            return task;
        }

        // Not an async method: awaiting would keep only the first of several exceptions, and would make another of a cancelled task.
        var ended = new TaskCompletionSource<T>();
        if (task.IsCompleted)
        {
            EndOf(task, span, method);
            ended.SetFromTask(task);
            return ended.Task;
        }

        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() =>
        {
            EndOf(task, span, method);
            ended.SetFromTask(task);
        });
        return ended.Task;
    }

    /// <inheritdoc cref="EndTask(Task, LiveSpan, TracedMethod)"/>
    public static ValueTask EndTask(ValueTask task, LiveSpan span, TracedMethod method)
    {
        if (!task.IsCompletedSuccessfully)
        {
            return new ValueTask(EndTask(task.AsTask(), span, method)!);
        }

        // A ValueTask may be asked once only.
        task.GetAwaiter().GetResult();
        span.End();
        return default;
    }

    /// <inheritdoc cref="EndTask(Task, LiveSpan, TracedMethod)"/>
    public static ValueTask<T> EndTask<T>(ValueTask<T> task, LiveSpan span, TracedMethod method)
    {
        if (!task.IsCompletedSuccessfully)
        {
            return new ValueTask<T>(EndTask(task.AsTask(), span, method)!);
        }

        var result = task.GetAwaiter().GetResult();
        End(result, span, method);
        return new ValueTask<T>(result);
    }

    private static void EndOf(Task? task, LiveSpan span)
    {
        try
        {
            try
            {
                if (task is { IsCompletedSuccessfully: false })
                {
                    RecordFailure(span, task);
                }
            }
            finally
            {
                span.End();
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The program waits for the task that follows.
        }
    }

    private static void EndOf<T>(Task<T>? task, LiveSpan span, TracedMethod method)
    {
        if (task is { IsCompletedSuccessfully: true })
        {
            RecordOutput(span, method, task.Result);
        }

        EndOf(task, span);
    }

    private static void RecordFailure(LiveSpan span, Task task)
    {
        if (task.Exception is { } failure)
        {
            RecordFailure(span, failure.InnerExceptions[0]);

            // The task of Task.WhenAll has several; awaiting it throws the first.
            foreach (var exception in failure.InnerExceptions.Skip(1))
            {
                span.RecordException(exception.GetType().Name, ExceptionText.MessageOf(exception), ExceptionText.Of(exception));
            }

            return;
        }

        try
        {
            // The only way to the exception of a cancelled task, with the stack of where it was thrown.
            task.GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            RecordFailure(span, e);
        }
    }
}
