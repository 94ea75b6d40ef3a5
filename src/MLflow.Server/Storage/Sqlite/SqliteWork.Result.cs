namespace MLflow.Server.Storage.Sqlite;

/// <summary>Work with a result.</summary>
internal sealed class SqliteWork<T> : SqliteWork
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<SqliteWriteSession, T> _work;
    private T _result = default!;

    public SqliteWork(Func<SqliteWriteSession, T> work) => _work = work;

    public Task<T> Completion => _completion.Task;

    public override void Complete()
    {
        if (Failure is null)
        {
            _completion.SetResult(_result);
        }
        else
        {
            _completion.SetException(Failure);
        }
    }

    public override void Fail(Exception exception) => _completion.SetException(exception);

    protected override void Run(SqliteWriteSession session) => _result = _work(session);
}
