using System.Reflection;
using System.Threading.Channels;
using MLflow.Server.Storage;

namespace MLflow.Server.Tests.Ui;

/// <summary>A store whose reads of spans hold the thread, as those of a slow disk do, until they may go on or are cancelled.</summary>
public class HeldTraceStore : DispatchProxy
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private readonly TaskCompletionSource _gate = new();
    private readonly Channel<CancellationToken> _reads = Channel.CreateUnbounded<CancellationToken>();
    private object _store = null!;

    internal static (ITraceStore Store, HeldTraceStore Held) Of(ITraceStore store)
    {
        var proxy = Create<ITraceStore, HeldTraceStore>();
        var held = (HeldTraceStore)(object)proxy;
        held._store = store;
        return (proxy, held);
    }

    /// <summary>Waits for the next read, and gives what cancels it.</summary>
    public ValueTask<CancellationToken> NextAsync(CancellationToken cancellationToken) => _reads.Reader.ReadAsync(cancellationToken);

    public void LetGo() => _gate.TrySetResult();

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == nameof(ITraceStore.GetSpansAsync) && args![^1] is CancellationToken token)
        {
            _reads.Writer.TryWrite(token);
            _gate.Task.Wait((int)Longest.TotalMilliseconds, token);
        }

        return targetMethod.Invoke(_store, BindingFlags.DoNotWrapExceptions, null, args, null);
    }
}
