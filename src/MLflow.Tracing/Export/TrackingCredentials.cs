using System.Net.Http.Headers;
using System.Text;

namespace MLflow;

/// <summary>The Authorization header for a tracking server, from the environment as MLflow's clients read it: name and password before a token.</summary>
internal static class TrackingCredentials
{
    public static AuthenticationHeaderValue? FromEnvironment()
    {
        var user = Environment.GetEnvironmentVariable("MLFLOW_TRACKING_USERNAME");
        var password = Environment.GetEnvironmentVariable("MLFLOW_TRACKING_PASSWORD");
        if (!string.IsNullOrEmpty(user) && !string.IsNullOrEmpty(password))
        {
            return new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        }

        return Environment.GetEnvironmentVariable("MLFLOW_TRACKING_TOKEN") is { Length: > 0 } token
            ? new AuthenticationHeaderValue("Bearer", token)
            : null;
    }
}
