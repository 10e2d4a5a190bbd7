// Writes the golden files beside it with the reference implementation: see scripts/make-golden.

import java.io.FileOutputStream;
import java.io.PrintStream;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogWriter;

public class Golden {
    // The same as `sample_stages` in src/report/histogram.rs: from nanoseconds to minutes.
    public static void main(String[] folder) throws Exception {
        Histogram compute = new Histogram(3);
        Histogram endToEnd = new Histogram(3);
        for (long i = 1; i <= 1000; i++) {
            compute.recordValue(i * i * 1000);
            endToEnd.recordValue(i * 60_000_000);
        }
        compute.recordValue(0);
        compute.setTag("compute");
        endToEnd.setTag("end_to_end");

        long start = 1_700_000_000_250L, end = start + 2000;
        PrintStream log = open(folder[0], "hdrhistogram-java-2.1.11.hlog");
        HistogramLogWriter writer = new HistogramLogWriter(log);
        writer.outputComment("[Logged with " + HistogramLogWriter.class.getName() + "]");
        writer.outputLogFormatVersion();
        writer.outputStartTime(start);
        writer.outputBaseTime(start);
        writer.setBaseTime(start);
        writer.outputLegend();
        for (Histogram stage : new Histogram[] {compute, endToEnd}) {
            stage.setStartTimeStamp(start);
            stage.setEndTimeStamp(end);
            writer.outputIntervalHistogram(stage);
            try (PrintStream percentiles = open(folder[0], stage.getTag() + ".hgrm")) {
                stage.outputPercentileDistribution(percentiles, 5, 1e6);
            }
        }
        writer.close();
    }

    private static PrintStream open(String folder, String name) throws Exception {
        return new PrintStream(new FileOutputStream(folder + "/" + name), false, "UTF-8");
    }
}
