using System.Reflection;
using System.Threading.Channels;

namespace MLflow.Server.Tests.Ui;

/// <summary>A store of which one method holds the thread, as a slow disk does, until it may go on or is cancelled.</summary>
public class HeldReads : DispatchProxy
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private readonly TaskCompletionSource _gate = new();
    private readonly Channel<CancellationToken> _reads = Channel.CreateUnbounded<CancellationToken>();
    private object _store = null!;
    private string _method = "";

    internal static (T Store, HeldReads Held) Of<T>(T store, string method)
        where T : class
    {
        var proxy = Create<T, HeldReads>();
        var held = (HeldReads)(object)proxy;
        (held._store, held._method) = (store, method);
        return (proxy, held);
    }

    /// <summary>Waits for the next read, and gives what cancels it.</summary>
    public ValueTask<CancellationToken> NextAsync(CancellationToken cancellationToken) => _reads.Reader.ReadAsync(cancellationToken);

    public void LetGo() => _gate.TrySetResult();

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == _method && args![^1] is CancellationToken token)
        {
            _reads.Writer.TryWrite(token);
            _gate.Task.Wait((int)Longest.TotalMilliseconds, token);
        }

        return targetMethod.Invoke(_store, BindingFlags.DoNotWrapExceptions, null, args, null);
    }
}
