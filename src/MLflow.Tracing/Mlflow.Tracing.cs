namespace MLflow;

public static partial class Mlflow
{
    /// <summary>All tracing of this process.</summary>
    public static class Tracing
    {
        /// <inheritdoc cref="MlflowClient.IsEnabled"/>
        public static bool IsEnabled => Client.IsEnabled;

        /// <summary>Records traces that begin from now on, as at the start of the program.</summary>
        public static void Enable() => Client.IsEnabled = true;

        /// <summary>
        /// Records no trace that begins from now on, automatic or not, until <see cref="Enable"/>. Your code stays as it is: spans have no effect then.
        /// Traces that have begun go on to their end.
        /// </summary>
        public static void Disable() => Client.IsEnabled = false;

        /// <summary>Sets what the program does with each span at its end, before it is sent.</summary>
        /// <param name="spanProcessors">Instead of those that were set. None: nothing is done.</param>
        /// <inheritdoc cref="MlflowClient.SetSpanProcessors" path="/remarks"/>
        public static void Configure(params IEnumerable<Action<LiveSpan>> spanProcessors) => Client.SetSpanProcessors(spanProcessors);

        /// <summary>
        /// Forgets what was said to this class, as at the start of the program: <see cref="SetPrivacy"/>, <see cref="SetTrackingUri"/> and <see cref="SetExperiment"/>, processors, and that
        /// tracing was disabled. A host's client that it speaks for is as it was made (<see cref="MlflowClient.Reset"/>), without what <see cref="SetPrivacy"/> had said.
        /// What one flow has set for itself stays, and what was recorded is still sent.
        /// </summary>
        public static void Reset()
        {
            // Whom it speaks for depends on what is forgotten.
            var client = Client;
            Privacy = null;
            IsConfigured = false;
            client.Reset();
            if (DefaultClient.IsValueCreated && !ReferenceEquals(client, DefaultClient.Value))
            {
                DefaultClient.Value.Reset();
            }
        }
    }
}
