using MLflow.Cli.Commands;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class MlflowCommandTests
{
    /// <summary>As HttpClient reports a server that does not answer in time.</summary>
    [Fact]
    public async Task Command_RequestTakesTooLong_FailsAndSaysWhy()
    {
        var errors = new StringWriter();

        var code = await MlflowCommand.TellAsync(() => throw new TaskCanceledException("The request was canceled due to HttpClient.Timeout.", new TimeoutException()), errors);

        Assert.Equal(1, code);
        Assert.Equal("mlflow: unexpected TaskCanceledException: The request was canceled due to HttpClient.Timeout." + Environment.NewLine, errors.ToString());
    }
}
