using System.Text;
using Xunit;

namespace MLflow.Tests.Export;

public sealed class TrackingCredentialsTests
{
    private static readonly Uri Plain = new("http://localhost:5000");
    private static readonly Uri WithUser = new("http://ada:p%40ss@localhost:5000");

    [Fact]
    public void For_NothingSet_IsNone() => Assert.Null(TrackingCredentials.For(Plain, _ => null));

    [Fact]
    public void For_NameAndPasswordAndToken_IsBasic() =>
        AssertBasic("u:p", Plain, new() { ["MLFLOW_TRACKING_USERNAME"] = "u", ["MLFLOW_TRACKING_PASSWORD"] = "p", ["MLFLOW_TRACKING_TOKEN"] = "t" });

    [Fact]
    public void For_NameWithoutPassword_IsTheToken()
    {
        var header = For(Plain, new() { ["MLFLOW_TRACKING_USERNAME"] = "u", ["MLFLOW_TRACKING_TOKEN"] = "t" });
        Assert.Equal("Bearer t", header);
    }

    [Fact]
    public void For_NameInTheAddress_IsBasic() => AssertBasic("ada:p@ss", WithUser, new() { ["MLFLOW_TRACKING_TOKEN"] = "t" });

    private static void AssertBasic(string expected, Uri address, Dictionary<string, string> variables) =>
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(expected)), For(address, variables));

    private static string? For(Uri address, Dictionary<string, string> variables) =>
        TrackingCredentials.For(address, name => variables.GetValueOrDefault(name))?.ToString();

    [Theory]
    [InlineData("[mlflow]\nmlflow_tracking_username = me\nmlflow_tracking_password = p=w\n", "me:p=w")]
    [InlineData("[other]\nmlflow_tracking_username = me\nmlflow_tracking_password = pw\n", null)]
    [InlineData("[mlflow]\nmlflow_tracking_username = me\n", null)]
    public void For_UsersFile_IsReadAsMlflowWritesIt(string text, string? pair)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            Assert.Equal(
                pair is null ? null : "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(pair)),
                TrackingCredentials.For(Plain, _ => null, file)?.ToString());
            Assert.Equal("Bearer t", TrackingCredentials.For(Plain, name => name == "MLFLOW_TRACKING_TOKEN" ? "t" : null, file + ".absent")?.ToString());
        }
        finally
        {
            File.Delete(file);
        }
    }
}
